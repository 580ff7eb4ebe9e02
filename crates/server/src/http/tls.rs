//! TLS: a certificate that is read again when its files change, while connections live on.

use anyhow::{Context, ensure};
use std::os::unix::fs::{MetadataExt, PermissionsExt};
use std::path::{Path, PathBuf};
use std::sync::{Arc, RwLock};
use std::time::Duration;
use tokio::signal::unix::{SignalKind, signal};
use tokio_rustls::TlsAcceptor;
use tokio_rustls::rustls::ServerConfig;
use tokio_rustls::rustls::crypto::{CryptoProvider, ring};
use tokio_rustls::rustls::pki_types::pem::PemObject;
use tokio_rustls::rustls::pki_types::{CertificateDer, PrivateKeyDer};
use tokio_rustls::rustls::server::{ClientHello, ResolvesServerCert};
use tokio_rustls::rustls::sign::CertifiedKey;
use tokio_util::sync::CancellationToken;

/// How often the files are looked at.
const LOOK_INTERVAL: Duration = Duration::from_secs(5);

/// The certificate's two files, and what was last read of them.
#[derive(Debug)]
pub(crate) struct Tls {
    certificate_file: PathBuf,
    key_file: PathBuf,
    provider: Arc<CryptoProvider>,
    current: Arc<Current>,
}

/// What new connections are answered with.
#[derive(Debug)]
struct Current(RwLock<Arc<CertifiedKey>>);

impl ResolvesServerCert for Current {
    fn resolve(&self, _hello: ClientHello<'_>) -> Option<Arc<CertifiedKey>> {
        self.0.read().ok().map(|key| Arc::clone(&key))
    }
}

/// Tells whether a file is still the one that was read.
#[derive(Debug, Clone, PartialEq, Eq)]
struct Stamp(Option<(u64, u64, i64, i64)>);

impl Stamp {
    fn of(path: &Path) -> Self {
        let metadata = std::fs::metadata(path).ok();
        Self(metadata.map(|file| (file.ino(), file.size(), file.mtime(), file.mtime_nsec())))
    }
}

impl Tls {
    /// Reads the files.
    pub(crate) fn open(certificate_file: &Path, key_file: &Path) -> anyhow::Result<Self> {
        let provider = Arc::new(ring::default_provider());
        let (certificate_file, key_file) = (PathBuf::from(certificate_file), PathBuf::from(key_file));
        let key = read(&provider, &certificate_file, &key_file)?;
        let current = Arc::new(Current(RwLock::new(Arc::new(key))));
        Ok(Self { certificate_file, key_file, provider, current })
    }

    /// Accepts connections with whatever certificate is the current one. Only HTTP/1.1 is spoken: producers sign
    /// hop-by-hop headers.
    pub(super) fn acceptor(&self) -> anyhow::Result<TlsAcceptor> {
        let mut config = ServerConfig::builder_with_provider(Arc::clone(&self.provider))
            .with_safe_default_protocol_versions()?
            .with_no_client_auth()
            .with_cert_resolver(self.current.clone());
        config.alpn_protocols = vec![b"http/1.1".to_vec()];
        Ok(TlsAcceptor::from(Arc::new(config)))
    }

    /// Reads the files again; what cannot be read leaves everything as it is.
    fn reload(&self) -> anyhow::Result<()> {
        let key = read(&self.provider, &self.certificate_file, &self.key_file)?;
        if let Ok(mut current) = self.current.0.write() {
            *current = Arc::new(key);
        }
        Ok(())
    }

    /// Reads the files again each time that they change, and on SIGHUP, until `shutdown`.
    pub(crate) async fn watch(self: Arc<Self>, shutdown: CancellationToken) -> std::io::Result<()> {
        let mut hangup = signal(SignalKind::hangup())?;
        let stamps = || (Stamp::of(&self.certificate_file), Stamp::of(&self.key_file));
        let mut read = stamps();
        loop {
            let told = tokio::select! {
                () = shutdown.cancelled() => return Ok(()),
                _ = hangup.recv() => true,
                () = tokio::time::sleep(LOOK_INTERVAL) => false,
            };
            let now = stamps();
            if !told && now == read {
                continue;
            }
            // One of the two may be new and the other not yet; their next change is looked at again.
            read = now;
            match self.reload() {
                Ok(()) => {
                    tracing::info!(file = %self.certificate_file.display(), "the TLS certificate was read again")
                }
                Err(error) => {
                    tracing::warn!("the TLS certificate stays the old one: {error:#}");
                }
            }
        }
    }
}

fn read(provider: &CryptoProvider, certificate_file: &Path, key_file: &Path) -> anyhow::Result<CertifiedKey> {
    let certificates = || -> anyhow::Result<Vec<CertificateDer<'static>>> {
        Ok(CertificateDer::pem_file_iter(certificate_file)?.collect::<Result<_, _>>()?)
    };
    let certificates = certificates()
        .with_context(|| format!("http.tls_certificate_file: cannot read {}", certificate_file.display()))?;
    ensure!(!certificates.is_empty(), "{} holds no certificate", certificate_file.display());
    let shown = key_file.display();
    let key_place = || format!("http.tls_key_file: cannot read {shown}");
    let mode = std::fs::metadata(key_file).with_context(key_place)?.permissions().mode() & 0o777;
    ensure!(
        mode & 0o077 == 0,
        "{shown} holds a secret but others can read it (mode {mode:03o}): run `chmod 600 {shown}`"
    );
    let key = PrivateKeyDer::from_pem_file(key_file).with_context(key_place)?;
    CertifiedKey::from_der(certificates, key, provider).with_context(|| {
        format!("{} and {shown} make no certificate with its key", certificate_file.display())
    })
}
