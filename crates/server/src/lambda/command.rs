//! A function as a local command: the event on stdin, the result on stdout.

use super::unmapped;
use std::process::Stdio;
use tokio::io::{AsyncReadExt, AsyncWriteExt};
use tokio::process::Command;
use tympan_contact::invoke::AttemptError;

/// Connect refuses results over 32 KB; a little more is read so that the refusal can say so.
const RESULT_LIMIT_BYTES: u64 = 64 * 1024;
/// Of what the command printed on stderr, this much reaches the flow log.
const STDERR_SHOWN_BYTES: usize = 200;

pub(super) async fn run(command: &[String], arn: &str, event: Vec<u8>) -> Result<Vec<u8>, AttemptError> {
    let Some((program, arguments)) = command.split_first() else {
        return Err(unmapped(arn));
    };
    let mut child = Command::new(program)
        .args(arguments)
        .env("AWS_LAMBDA_FUNCTION_NAME", arn.rsplit(':').next().unwrap_or(arn))
        .stdin(Stdio::piped())
        .stdout(Stdio::piped())
        .stderr(Stdio::piped())
        .kill_on_drop(true)
        .spawn()
        .map_err(|error| refused(format!("cannot run {program}: {error}")))?;

    let (stdin, stdout, stderr) = (child.stdin.take(), child.stdout.take(), child.stderr.take());
    let write = async {
        if let Some(mut stdin) = stdin {
            // A command that does not read its event is free not to.
            let _ = stdin.write_all(&event).await;
        }
    };
    let ((), result, complaint) = tokio::join!(write, read(stdout, RESULT_LIMIT_BYTES), read(stderr, 4096));
    if result.len() as u64 >= RESULT_LIMIT_BYTES {
        return Err(refused(format!("{program} printed more than 32 KB")));
    }
    let status = child.wait().await.map_err(|error| refused(error.to_string()))?;
    if status.success() {
        return Ok(result);
    }
    let complaint =
        String::from_utf8_lossy(&complaint[..complaint.len().min(STDERR_SHOWN_BYTES)]).into_owned();
    let reason = format!("{program} failed ({status}): {}", complaint.trim());
    Err(AttemptError::Transient { reason })
}

fn refused(reason: String) -> AttemptError {
    AttemptError::Refused { reason }
}

async fn read(pipe: Option<impl tokio::io::AsyncRead + Unpin>, limit_bytes: u64) -> Vec<u8> {
    let mut bytes = Vec::new();
    if let Some(pipe) = pipe {
        // What came before a read error is kept; the exit status tells the rest.
        let _ = pipe.take(limit_bytes).read_to_end(&mut bytes).await;
    }
    bytes
}
