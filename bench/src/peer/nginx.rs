//! nginx, from Debian: one process that serves files, and takes them by `PUT`.

use crate::rig::core::Core;
use crate::rig::process::Usage;
use crate::rig::server;
use crate::rig::tls::Certificate;
use anyhow::{Context, bail, ensure};
use std::net::{SocketAddr, TcpListener, TcpStream};
use std::path::{Path, PathBuf};
use std::process::{Child, Command, Stdio};
use std::time::{Duration, Instant};

/// A running nginx. Killed when dropped.
pub(crate) struct Nginx {
    process: Child,
    address: SocketAddr,
    folder: tempfile::TempDir,
    /// Its version, as it names it.
    pub(crate) version: String,
}

/// Starting takes milliseconds.
const START_LIMIT: Duration = Duration::from_secs(20);

impl Nginx {
    /// How it is installed.
    pub(crate) const INSTALL: &'static str = "apt-get install nginx-light";

    /// Starts it on a core of its own if one is given; `None` where it is not installed.
    pub(crate) fn start(
        sendfile: bool,
        tls: Option<&Certificate>,
        core: Option<Core>,
    ) -> anyhow::Result<Option<Self>> {
        let Some(program) = program() else { return Ok(None) };
        let folder = server::scratch("bench-nginx-")?;
        std::fs::create_dir(folder.path().join("files"))?;
        // It cannot tell which port the kernel chose, so the port is chosen here and given up for it.
        let address = TcpListener::bind("127.0.0.1:0")?.local_addr()?;
        let settings = folder.path().join("nginx.conf");
        std::fs::write(&settings, configuration(folder.path(), address, sendfile, tls))?;
        let log = std::fs::File::create(folder.path().join("output.log"))?;
        let mut command = Command::new(&program);
        command.arg("-p").arg(folder.path()).arg("-c").arg(&settings).args(["-e", "stderr"]);
        command.stdin(Stdio::null()).stdout(Stdio::null()).stderr(log);
        let process = match core {
            Some(core) => core.run(|| command.spawn())?,
            None => command.spawn(),
        };
        let process = process.context("nginx does not start")?;
        let mut nginx = Self { process, address, folder, version: version(&program) };
        nginx.await_start()?;
        Ok(Some(nginx))
    }

    /// Host and port.
    pub(crate) fn authority(&self) -> String {
        self.address.to_string()
    }

    /// Where the files are that it serves.
    pub(crate) fn files(&self) -> PathBuf {
        self.folder.path().join("files")
    }

    /// What it has cost so far.
    pub(crate) fn usage(&self) -> anyhow::Result<Usage> {
        Usage::of(self.process.id())
    }

    fn await_start(&mut self) -> anyhow::Result<()> {
        let begun = Instant::now();
        while TcpStream::connect(self.address).is_err() {
            if let Some(status) = self.process.try_wait()? {
                let log = std::fs::read_to_string(self.folder.path().join("output.log")).unwrap_or_default();
                bail!("nginx ended at its start ({status}):\n{log}");
            }
            ensure!(begun.elapsed() < START_LIMIT, "nginx does not listen");
            std::thread::sleep(Duration::from_millis(5));
        }
        Ok(())
    }
}

impl Drop for Nginx {
    fn drop(&mut self) {
        // It may have ended by itself.
        let _ = self.process.kill();
        let _ = self.process.wait();
    }
}

/// Debian puts it where only the administrator's path leads.
fn program() -> Option<PathBuf> {
    let path = std::env::var_os("PATH").unwrap_or_default();
    let folders = std::env::split_paths(&path).chain([PathBuf::from("/usr/sbin")]);
    folders.map(|folder| folder.join("nginx")).find(|program| program.is_file())
}

fn version(program: &Path) -> String {
    let output = Command::new(program).arg("-v").output();
    let text =
        output.map(|output| String::from_utf8_lossy(&output.stderr).trim().to_owned()).unwrap_or_default();
    text.rsplit('/').next().unwrap_or_default().to_owned()
}

fn configuration(folder: &Path, address: SocketAddr, sendfile: bool, tls: Option<&Certificate>) -> String {
    let folder = folder.display();
    let (secured, tls) = match tls {
        None => ("", String::new()),
        Some(tls) => {
            let (file, key) = (tls.file(), tls.key_file());
            let files = format!("ssl_certificate {}; ssl_certificate_key {};", file.display(), key.display());
            (" ssl", files)
        }
    };
    let sendfile = if sendfile { "on" } else { "off" };
    format!(
        "daemon off;
master_process off;
worker_processes 1;
pid {folder}/nginx.pid;
events {{ worker_connections 4096; }}
http {{
    access_log off;
    default_type application/octet-stream;
    sendfile {sendfile};
    tcp_nopush {sendfile};
    output_buffers 2 256k;
    client_max_body_size 0;
    client_body_buffer_size 256k;
    client_body_temp_path {folder}/incoming;
    proxy_temp_path {folder}/proxy;
    fastcgi_temp_path {folder}/fastcgi;
    uwsgi_temp_path {folder}/uwsgi;
    scgi_temp_path {folder}/scgi;
    server {{
        listen {address}{secured};
        {tls}
        location / {{
            root {folder}/files;
            dav_methods PUT;
        }}
    }}
}}
"
    )
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::rig::wire;
    use std::sync::Arc;
    use tokio_rustls::rustls::ClientConfig;

    #[test]
    fn serves_over_tls() {
        let certificate = Certificate::new().unwrap();
        let Some(nginx) = Nginx::start(false, Some(&certificate), None).unwrap() else { return };
        std::fs::write(nginx.files().join("a"), b"abc").unwrap();
        assert_eq!(read(&nginx, Some(&certificate.reader().unwrap())), b"abc");
    }

    fn read(nginx: &Nginx, tls: Option<&Arc<ClientConfig>>) -> Vec<u8> {
        let mut answer = Vec::new();
        let get = "GET /a HTTP/1.1\r\nHost: x\r\nConnection: close\r\n\r\n";
        let place = wire::Place { authority: &nginx.authority(), tls };
        wire::get(place, get, |piece| answer.extend_from_slice(piece)).unwrap();
        let head = answer.windows(4).position(|window| window == b"\r\n\r\n").unwrap();
        answer.split_off(head + 4)
    }

    #[test]
    fn serves_what_was_put() {
        let Some(nginx) = Nginx::start(false, None, None).unwrap() else { return };
        let mut left = 3;
        let put = "PUT /a HTTP/1.1\r\nHost: x\r\nTransfer-Encoding: chunked\r\nConnection: close\r\n\r\n";
        let body = |out: &mut Vec<u8>| {
            left -= 1;
            wire::chunk(out, b"abc");
            left >= 0
        };
        wire::put(&nginx.authority(), put, body, |_| {}).unwrap();
        assert_eq!(read(&nginx, None), b"abcabcabc");
        assert!(nginx.usage().unwrap().rss_bytes > 0 && !nginx.version.is_empty());
    }
}
