//! Clients as the SDK makes them from the environment, and streams with known media.

use crate::refusal::Failure;
use aws_sdk_kinesisvideo::config::{BehaviorVersion, Credentials, Region, SharedCredentialsProvider};
use aws_sdk_kinesisvideo::operation::create_stream::builders::CreateStreamFluentBuilder;
use aws_sdk_kinesisvideo::primitives::DateTime;
use aws_sdk_kinesisvideo::types::{ApiName, StreamInfo};
use aws_types::SdkConfig;
use std::process::Stdio;
use std::sync::Arc;
use std::sync::atomic::{AtomicU32, Ordering};
use tokio::io::AsyncWriteExt;
use tokio::process::{Child, Command};

/// Samples of a fragment: `tympan produce` cuts one a second.
pub(crate) const FRAGMENT_SAMPLES: usize = 8_000;

/// The clients.
#[derive(Clone)]
pub(crate) struct Aws {
    config: SdkConfig,
    /// The control plane.
    pub(crate) kvs: aws_sdk_kinesisvideo::Client,
    /// GetMedia of streams that have no endpoint, because they are not there.
    pub(crate) media: aws_sdk_kinesisvideomedia::Client,
    /// As `media`, of the archived media API.
    pub(crate) archived: aws_sdk_kinesisvideoarchivedmedia::Client,
    /// The server under test.
    pub(crate) endpoint: String,
    made: Arc<AtomicU32>,
}

impl Aws {
    /// What the variables of the AWS SDKs say.
    pub(crate) fn from_environment() -> Result<Self, std::env::VarError> {
        let variable = |name: &str| std::env::var(name);
        let endpoint = variable("AWS_ENDPOINT_URL")?;
        let key = credentials(&variable("AWS_ACCESS_KEY_ID")?, &variable("AWS_SECRET_ACCESS_KEY")?);
        let config = SdkConfig::builder()
            .behavior_version(BehaviorVersion::latest())
            .http_client(aws_smithy_http_client::Builder::new().build_http())
            .region(Region::new(variable("AWS_REGION")?))
            .credentials_provider(key)
            .endpoint_url(&endpoint)
            .build();
        Ok(Self {
            kvs: aws_sdk_kinesisvideo::Client::new(&config),
            media: aws_sdk_kinesisvideomedia::Client::new(&config),
            archived: aws_sdk_kinesisvideoarchivedmedia::Client::new(&config),
            config,
            endpoint,
            made: Arc::default(),
        })
    }

    /// The clients of somebody else.
    pub(crate) fn with_key(&self, access_key_id: &str, secret: &str) -> Self {
        let key = credentials(access_key_id, secret);
        self.with(self.config.to_builder().credentials_provider(key).build())
    }

    /// The clients of another region.
    pub(crate) fn in_region(&self, region: &'static str) -> Self {
        self.with(self.config.to_builder().region(Region::new(region)).build())
    }

    fn with(&self, config: SdkConfig) -> Self {
        Self {
            kvs: aws_sdk_kinesisvideo::Client::new(&config),
            media: aws_sdk_kinesisvideomedia::Client::new(&config),
            archived: aws_sdk_kinesisvideoarchivedmedia::Client::new(&config),
            config,
            endpoint: self.endpoint.clone(),
            made: Arc::clone(&self.made),
        }
    }

    /// A name that no stream has.
    pub(crate) fn new_name(&self) -> String {
        format!("rust-{}", self.made.fetch_add(1, Ordering::Relaxed))
    }

    /// A new stream: its name and ARN.
    pub(crate) async fn stream(
        &self,
        with: impl FnOnce(CreateStreamFluentBuilder) -> CreateStreamFluentBuilder,
    ) -> Result<(String, String), Failure> {
        let name = self.new_name();
        let created = with(self.kvs.create_stream().stream_name(&name)).send().await?;
        let arn = created.stream_arn().ok_or_else(|| format!("{name} has no ARN"))?;
        Ok((name, arn.to_owned()))
    }

    /// A new stream without settings.
    pub(crate) async fn plain(&self) -> Result<(String, String), Failure> {
        self.stream(|request| request).await
    }

    /// DescribeStream.
    pub(crate) async fn describe(&self, name: &str) -> Result<StreamInfo, Failure> {
        let described = self.kvs.describe_stream().stream_name(name).send().await?;
        Ok(described.stream_info.ok_or_else(|| format!("{name} has no description"))?)
    }

    /// The stream's version.
    pub(crate) async fn version(&self, name: &str) -> Result<String, Failure> {
        Ok(self.describe(name).await?.version.ok_or_else(|| format!("{name} has no version"))?)
    }

    /// GetMedia at the endpoint that the stream has.
    pub(crate) async fn media_of(&self, name: &str) -> Result<aws_sdk_kinesisvideomedia::Client, Failure> {
        Ok(aws_sdk_kinesisvideomedia::Client::new(&self.config_of(name, ApiName::GetMedia).await?))
    }

    /// The archived media API at the endpoint that the stream has.
    pub(crate) async fn archived_of(
        &self,
        name: &str,
    ) -> Result<aws_sdk_kinesisvideoarchivedmedia::Client, Failure> {
        let config = self.config_of(name, ApiName::ListFragments).await?;
        Ok(aws_sdk_kinesisvideoarchivedmedia::Client::new(&config))
    }

    async fn config_of(&self, name: &str, api: ApiName) -> Result<SdkConfig, Failure> {
        let answer = self.kvs.get_data_endpoint().stream_name(name).api_name(api).send().await?;
        let endpoint = answer.data_endpoint().ok_or_else(|| format!("{name} has no endpoint"))?;
        Ok(self.config.to_builder().endpoint_url(endpoint).build())
    }

    /// A stream of one fragment a second, as `tympan produce` sends it: the SDK has no PutMedia.
    pub(crate) async fn stored(&self, seconds: usize) -> Result<String, Failure> {
        let (name, _) = self.stream(|request| request.data_retention_in_hours(24)).await?;
        let status = self.produce(&name, &samples(0..seconds), &[]).await?.wait().await?;
        if status.success() { Ok(name) } else { Err(format!("tympan produce: {status}").into()) }
    }

    /// Begins an upload.
    pub(crate) async fn produce(
        &self,
        name: &str,
        samples: &[i16],
        options: &[&str],
    ) -> Result<Child, Failure> {
        let program = std::env::var("TYMPAN_BIN").map_err(|error| format!("TYMPAN_BIN: {error}"))?;
        let mut child = Command::new(program)
            .args(["produce", "--raw", "--stream", name])
            .args(options)
            .arg("-")
            .stdin(Stdio::piped())
            .stdout(Stdio::null())
            .kill_on_drop(true)
            .spawn()?;
        let mut stdin = child.stdin.take().ok_or_else(|| "no stdin".to_owned())?;
        stdin.write_all(&le_bytes(samples)).await?;
        Ok(child)
    }
}

fn credentials(key: &str, secret: &str) -> SharedCredentialsProvider {
    SharedCredentialsProvider::new(Credentials::new(key, secret, None, None, "environment"))
}

/// Those seconds of the audio that `stored` sends, no two frames of which are alike.
pub(crate) fn samples(seconds: impl IntoIterator<Item = usize>) -> Vec<i16> {
    let second = |second: usize| {
        let from = second * FRAGMENT_SAMPLES;
        // A multiplicative hash of the place; the upper half of it.
        (from..from + FRAGMENT_SAMPLES)
            .map(|place| ((place as u32).wrapping_mul(2_654_435_761) >> 16) as u16 as i16)
    };
    seconds.into_iter().flat_map(second).collect()
}

/// As the blocks carry them.
pub(crate) fn le_bytes(samples: &[i16]) -> Vec<u8> {
    samples.iter().flat_map(|sample| sample.to_le_bytes()).collect()
}

/// The SDK reads times as floating point and cuts; the wire says milliseconds.
pub(crate) fn unix_ms(time: &DateTime) -> i64 {
    i64::try_from((time.as_nanos() + 500_000) / 1_000_000).expect("a time of this era")
}
