//! Who may do what: policies, temporary credentials, the audit file, TLS. Unmodified boto3 asks.

use serde_json::Value;
use std::path::Path;
use std::process::Command;
use tympan_e2e::{python, until};
use tympan_testkit::{TestServer, TestServerBuilder, binary};

const SECRET: &str = "the secret of all keys";

/// Keys by what they may do, a role, and policies of our own.
const CONFIG: &str = r#"
[[policies]]
name = "demo-streams"
document = '''{"Version": "2012-10-17", "Statement": [
    {"Effect": "Allow", "Action": "kinesisvideo:*", "Resource": "arn:aws:kinesisvideo:*:111122223333:stream/demo-*/*"},
    {"Effect": "Deny", "Action": "kinesisvideo:DeleteStream", "Resource": "*"}]}'''
[[policies]]
name = "care"
document = '''{"Version": "2012-10-17", "Statement": {"Effect": "Allow", "Action": "kinesisvideo:Describe*",
    "Resource": "*", "Condition": {"StringEquals": {"aws:ResourceTag/team": "care"}}}}'''
[[policies]]
name = "secure-only"
document = '''{"Version": "2012-10-17", "Statement": {"Effect": "Deny", "Action": "*", "Resource": "*",
    "Condition": {"Bool": {"aws:SecureTransport": "false"}}}}'''
[[policies]]
name = "from-loopback"
document = '''{"Version": "2012-10-17", "Statement": {"Effect": "Allow", "Action": "kinesisvideo:List*", "Resource": "*",
    "Condition": {"IpAddress": {"aws:SourceIp": "127.0.0.0/8"}}}}'''
[[policies]]
name = "from-office"
document = '''{"Version": "2012-10-17", "Statement": {"Effect": "Allow", "Action": "kinesisvideo:List*", "Resource": "*",
    "Condition": {"IpAddress": {"aws:SourceIp": "192.0.2.0/24"}}}}'''
[[policies]]
name = "one-instance"
document = '''{"Version": "2012-10-17", "Statement": {"Effect": "Allow", "Action": "connect:*",
    "Resource": "arn:aws:connect:*:*:instance/00000000-0000-0000-0000-000000000000*"}}'''
[[policies]]
name = "no-keys"
document = '''{"Version": "2012-10-17", "Statement": {"Effect": "Deny", "Action": "kms:*",
    "Resource": "arn:aws:kms:*:*:key/*"}}'''
[[roles]]
name = "transcriber"
policies = ["consumer"]
assumed_by = ["NOTHING"]
"#;

const KEYS: &[(&str, &[&str])] = &[
    ("FULL", &["full-access"]),
    ("READER", &["read-only"]),
    ("PRODUCER", &["producer"]),
    ("CONSUMER", &["consumer"]),
    ("NOTHING", &[]),
    ("DEMO", &["demo-streams"]),
    ("CARE", &["care"]),
    ("SECURE", &["full-access", "secure-only"]),
    ("LOOPBACK", &["from-loopback"]),
    ("OFFICE", &["from-office"]),
    ("SUPPORT", &["one-instance"]),
    ("KEYLESS", &["full-access", "no-keys"]),
];

/// A server without `--dev`, with those keys.
fn server(folder: &Path) -> anyhow::Result<TestServerBuilder> {
    let mut config = CONFIG.to_owned();
    for (id, policies) in KEYS {
        config.push_str(&format!(
            "[[credentials]]\naccess_key_id = \"{id}\"\nsecret_access_key = \"{SECRET}\"\npolicies = {policies:?}\n"
        ));
    }
    let file = folder.join("tympan.toml");
    std::fs::write(&file, config)?;
    Ok(TestServer::builder().bare().env("TYMPAN_CONFIG", file.display()).data_dir(folder.join("data")))
}

/// The audit file's lines.
fn audit(server: &TestServer) -> anyhow::Result<Vec<Value>> {
    let text = std::fs::read_to_string(server.data_dir().join("audit.jsonl"))?;
    Ok(text.lines().map(serde_json::from_str).collect::<Result<_, _>>()?)
}

#[test]
fn policies_decide_and_the_audit_file_tells() -> anyhow::Result<()> {
    let folder = tempfile::tempdir()?;
    let server = server(folder.path())?.start()?;
    python::run(&server, "access_policies.py", &["--", SECRET]);

    let is = |line: &Value, event: &str, user: &str, action: &str| {
        line["event"] == event
            && line["principal"] == format!("arn:aws:iam::111122223333:user/{user}")
            && line["access_key_id"] == user
            && line["action"] == action
            && line["source_ip"] == "127.0.0.1"
    };
    let seen = |event: &str, user: &str, action: &str| {
        until(&format!("{event} of {user}: {action}"), || {
            Ok(audit(&server)?.into_iter().find(|line| is(line, event, user, action)))
        })
    };
    let denial = seen("denial", "NOTHING", "kinesisvideo:CreateStream")?;
    assert_eq!(denial["resource"], "arn:aws:kinesisvideo:us-west-2:111122223333:stream/mine/*");
    assert_eq!(denial["request_id"].as_str().map(str::len), Some(36));
    seen("denial", "NOTHING", "tympan:ListContacts")?;
    seen("denial", "SUPPORT", "connect:ClaimPhoneNumber")?;
    let created = seen("administration", "PRODUCER", "kinesisvideo:CreateStream")?;
    assert_eq!(created["status"], 200);
    seen("media-write", "PRODUCER", "kinesisvideo:PutMedia")?;
    let read = seen("media-read", "CONSUMER", "kinesisvideo:GetMedia")?;
    let end = seen("media-read-end", "CONSUMER", "kinesisvideo:GetMedia")?;
    assert_eq!(read["request_id"], end["request_id"]);
    assert!(end["bytes"].as_u64().is_some_and(|bytes| bytes > 1_000), "{end}");

    let unreadable = seen("administration", "FULL", "connect:StopContact")?;
    assert_eq!((&unreadable["resource"], &unreadable["status"]), (&"*".into(), &400.into()));
    let tagged = seen("administration", "FULL", "kinesisvideo:TagStream")?;
    let of_one_request = |line: &&Value| line["request_id"] == tagged["request_id"];

    let lines = audit(&server)?;
    let tagged: Vec<&Value> = lines.iter().filter(of_one_request).map(|line| &line["resource"]).collect();
    let names = |name: &str| tagged.iter().any(|arn| arn.to_string().contains(&format!("stream/{name}/")));
    assert!(tagged.len() == 2 && names("demo-2") && names("private"), "{tagged:?}");
    assert!(
        !lines.iter().any(|line| line["action"] == "kinesisvideo:ListStreams" && line["event"] != "denial")
    );
    let text = format!("{lines:?}");
    assert!(!text.contains(SECRET) && !text.contains("5550142"), "{text}");
    Ok(())
}

/// Secrets of other kinds than access keys.
const OTHER_SECRETS: [&str; 5] =
    ["url-password", "url-query", "sign-of-events", "telephone-word", "word-of-the-trunk"];

#[test]
fn settings_audit_keys_and_policies_are_told_and_a_simulation_says_what_is_done() -> anyhow::Result<()> {
    let folder = tempfile::tempdir()?;
    let builder = server(folder.path())?;
    let [url_password, url_query, sign, phone, trunk] = OTHER_SECRETS;
    let file = folder.path().join("tympan.toml");
    let more = format!(
        "[contact_events]\nurl = \"http://user:{url_password}@127.0.0.1:9/hook?token={url_query}\"\nurl_secret = \"{sign}\"\n\
         [[sip.phones]]\nuser = \"desk\"\npassword = \"{phone}\"\n\
         [[sip.trunks]]\nname = \"carrier\"\nnetworks = [\"192.0.2.0/24\"]\nusers = [{{ name = \"carrier\", password = \"{trunk}\" }}]\n"
    );
    std::fs::write(&file, std::fs::read_to_string(&file)? + &more)?;
    let server = builder.start()?;
    let arguments: Vec<&str> = ["--", SECRET].into_iter().chain(OTHER_SECRETS).collect();
    python::run(&server, "access_asked.py", &arguments);

    let tympan = |arguments: &[&str]| -> anyhow::Result<(Option<i32>, String)> {
        let key = [("AWS_ACCESS_KEY_ID", "FULL"), ("AWS_SECRET_ACCESS_KEY", SECRET)];
        let mut command = Command::new(binary()?);
        let output = command.args(arguments).env("AWS_ENDPOINT_URL", server.http()).envs(key).output()?;
        Ok((output.status.code(), String::from_utf8_lossy(&output.stdout).into_owned()))
    };
    let (code, said) = tympan(&["access", "may", "kinesisvideo:ListStreams", "--as", "LOOPBACK"])?;
    assert_eq!(code, Some(1), "a condition asks for the address: {said}");
    let (code, said) = tympan(&["access", "may", "kinesisvideo:ListStreams", "--as", "CONSUMER"])?;
    assert!(code == Some(0) && said.contains("of policy \"consumer\" allows"), "{said}");
    let (code, _) = tympan(&["access", "may", "kinesisvideo:ListStreams", "--as", "ABSENT"])?;
    assert_eq!(code, Some(3));
    let (_, said) = tympan(&["audit", "--user", "DEMO", "--action", "DeleteStream", "--json"])?;
    let lines: Value = serde_json::from_str(&said)?;
    assert_eq!(lines[0]["Outcome"], "DENIED");
    let (_, said) = tympan(&["audit", "--user", "DEMO"])?;
    assert!(said.contains("kinesisvideo:DeleteStream") && said.starts_with("TIME"), "{said}");
    Ok(())
}

#[test]
fn temporary_credentials_are_narrowed_and_outlive_a_restart() -> anyhow::Result<()> {
    let folder = tempfile::tempdir()?;
    let kept = folder.path().join("session.json").display().to_string();
    let first = server(folder.path())?.start()?;
    let checks = [
        "a_session_may_do_what_its_user_may_do",
        "a_token_that_is_not_signed_counts_as_one_that_is",
        "a_role_is_assumed_and_narrowed",
        "what_sts_refuses_has_the_codes_of_sts",
        "a_token_that_was_altered_or_belongs_to_another_key_is_refused",
        "a_presigned_question_is_answered",
        "a_session_is_remembered",
        "--",
        SECRET,
        &kept,
    ];
    python::run(&first, "access_sessions.py", &checks);
    let lines = until("the audit lines of sessions", || {
        let lines = audit(&first)?;
        Ok(lines
            .iter()
            .any(|line| line["action"] == "sts:AssumeRole" && line["status"] == 200)
            .then_some(lines))
    })?;
    let assumed = lines.iter().find(|line| line["action"] == "sts:AssumeRole" && line["status"] == 200);
    assert_eq!(
        assumed.map(|line| &line["resource"]),
        Some(&"arn:aws:iam::111122223333:role/transcriber".into())
    );
    assert!(lines.iter().any(|line| line["session_of"] == "FULL" && line["event"] == "administration"));
    first.kill_9()?;
    let second = server(folder.path())?.start()?;
    python::run(&second, "access_sessions.py", &["a_session_outlives_a_restart", "--", SECRET, &kept]);
    Ok(())
}

#[test]
fn the_command_line_begins_sessions() -> anyhow::Result<()> {
    let folder = tempfile::tempdir()?;
    let server = server(folder.path())?.start()?;
    let tympan =
        |environment: &[(&str, &str)], arguments: &[&str]| -> anyhow::Result<(bool, String, String)> {
            let output = Command::new(binary()?)
                .args(arguments)
                .env("AWS_ENDPOINT_URL", server.http())
                .env_remove("AWS_SESSION_TOKEN")
                .envs(environment.iter().copied())
                .output()?;
            let text = |bytes: Vec<u8>| String::from_utf8_lossy(&bytes).into_owned();
            Ok((output.status.success(), text(output.stdout), text(output.stderr)))
        };
    let key = |id: &'static str| [("AWS_ACCESS_KEY_ID", id), ("AWS_SECRET_ACCESS_KEY", SECRET)];
    let (fine, json, error) = tympan(
        &key("NOTHING"),
        &["session", "--role", "transcriber", "--name", "desk", "--duration", "15m", "--json"],
    )?;
    assert!(fine, "{error}");
    let made: Value = serde_json::from_str(&json)?;
    assert_eq!(made["Version"], 1);
    let text = |name: &str| made[name].as_str().unwrap_or_default();
    let session = [
        ("AWS_ACCESS_KEY_ID", text("AccessKeyId")),
        ("AWS_SECRET_ACCESS_KEY", text("SecretAccessKey")),
        ("AWS_SESSION_TOKEN", text("SessionToken")),
    ];
    assert!(tympan(&session, &["streams", "ls"])?.0, "the role may list streams");
    let (fine, _, error) = tympan(&session, &["contacts", "ls"])?;
    assert!(!fine && error.contains("assumed-role/transcriber/desk") && error.contains("policy"), "{error}");

    let (fine, exports, error) = tympan(&key("FULL"), &["session", "--duration", "1h"])?;
    assert!(fine && error.contains("good until"), "{error}");
    let names: Vec<&str> = exports.lines().filter_map(|line| line.split('=').next()).collect();
    assert_eq!(
        names,
        ["export AWS_ACCESS_KEY_ID", "export AWS_SECRET_ACCESS_KEY", "export AWS_SESSION_TOKEN"]
    );
    let (fine, _, error) = tympan(&key("FULL"), &["session", "--role", "transcriber"])?;
    assert!(!fine && error.contains("AccessDenied") && error.contains("sts:AssumeRole"), "{error}");
    Ok(())
}

/// An authority, and two certificates of it for this machine.
fn certificates(folder: &Path) -> anyhow::Result<()> {
    let openssl = |arguments: &[&str]| -> anyhow::Result<()> {
        let output = Command::new("openssl").args(arguments).current_dir(folder).output()?;
        anyhow::ensure!(output.status.success(), "openssl: {}", String::from_utf8_lossy(&output.stderr));
        Ok(())
    };
    const KEY: [&str; 5] = ["-newkey", "ec", "-pkeyopt", "ec_paramgen_curve:prime256v1", "-noenc"];
    let request = |more: &[&str]| openssl(&[&["req", "-x509", "-days", "2"], &KEY[..], more].concat());
    request(&["-keyout", "ca.key", "-out", "ca.pem", "-subj", "/CN=authority"])?;
    for (file, name) in [("current", "first"), ("next", "second")] {
        let (key, certificate, subject) =
            (format!("{file}.key"), format!("{file}.pem"), format!("/CN={name}"));
        request(&[
            "-CA",
            "ca.pem",
            "-CAkey",
            "ca.key",
            "-keyout",
            &key,
            "-out",
            &certificate,
            "-subj",
            &subject,
            "-addext",
            "subjectAltName=IP:127.0.0.1",
            "-addext",
            "basicConstraints=critical,CA:FALSE",
        ])?;
    }
    Ok(())
}

#[test]
fn tls_carries_media_and_changes_its_certificate_without_a_break() -> anyhow::Result<()> {
    let folder = tempfile::tempdir()?;
    certificates(folder.path())?;
    let file = |name: &str| folder.path().join(name).display().to_string();
    let server = TestServer::builder()
        .env("TYMPAN_HTTP__TLS_CERTIFICATE_FILE", file("current.pem"))
        .env("TYMPAN_HTTP__TLS_KEY_FILE", file("current.key"))
        .start()?;
    assert!(server.http().starts_with("https://127.0.0.1:"), "{}", server.http());
    let authority = file("ca.pem");
    python::run_with(
        &server,
        &[("AWS_CA_BUNDLE", &authority)],
        "access_tls.py",
        &["--", &folder.path().display().to_string()],
    );

    python::run_with(&server, &[("AWS_CA_BUNDLE", &authority)], "events_upgrade.py", &[]);

    let streams = |trusted: &str| {
        Command::new(binary()?)
            .args(["streams", "ls", "--json"])
            .envs(server.aws_environment())
            .env("AWS_CA_BUNDLE", trusted)
            .output()
            .map_err(anyhow::Error::from)
    };
    let output = streams(&authority)?;
    assert!(output.status.success(), "{}", String::from_utf8_lossy(&output.stderr));
    assert_eq!(serde_json::from_slice::<Value>(&output.stdout)?.as_array().map(Vec::len), Some(2));
    assert!(!streams(&file("current.pem"))?.status.success(), "a server certificate is no authority");
    Ok(())
}
