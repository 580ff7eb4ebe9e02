//! What a result was measured on.

use serde_json::{Value, json};

/// The machine, and how busy it was when the run began.
#[derive(Clone, Debug)]
pub(crate) struct Machine {
    kernel: String,
    cpu: String,
    cores: usize,
    /// Runnable tasks, over the last minute.
    load_1m: f64,
    /// Optimised; anything else is a rehearsal.
    release: bool,
}

impl Machine {
    /// Reads it.
    pub(crate) fn read() -> Self {
        let file = |path: &str| std::fs::read_to_string(path).unwrap_or_default();
        Self {
            kernel: rustix::system::uname().release().to_string_lossy().into_owned(),
            cpu: cpu_model(&file("/proc/cpuinfo")).unwrap_or("unknown").to_owned(),
            cores: std::thread::available_parallelism().map_or(1, usize::from),
            load_1m: first_number(&file("/proc/loadavg")).unwrap_or(f64::NAN),
            release: !cfg!(debug_assertions),
        }
    }

    /// For a person.
    pub(crate) fn describe(&self) -> String {
        let Self { kernel, cpu, cores, load_1m, release } = self;
        let caveat = if *release { "" } else { "; DEBUG BUILD: a rehearsal, not a result" };
        format!("{cores} x {cpu}, Linux {kernel}, load average {load_1m:.2} at the start{caveat}")
    }

    /// For a program.
    pub(crate) fn json(&self) -> Value {
        let Self { kernel, cpu, cores, load_1m, release } = self;
        json!({ "kernel": kernel, "cpu": cpu, "cores": cores, "load_1m": load_1m, "release": release })
    }
}

fn cpu_model(cpuinfo: &str) -> Option<&str> {
    cpuinfo.lines().find_map(|line| Some(line.strip_prefix("model name")?.split_once(':')?.1.trim()))
}

fn first_number(text: &str) -> Option<f64> {
    text.split_whitespace().next()?.parse().ok()
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn reads_what_proc_says() {
        assert_eq!(
            cpu_model("processor\t: 0\nmodel name\t: AMD EPYC\nmodel name\t: other\n"),
            Some("AMD EPYC")
        );
        assert_eq!(cpu_model(""), None);
        assert_eq!(first_number("1.08 0.92 0.58 2/200 1"), Some(1.08));
        assert!(Machine::read().cores > 0);
    }
}
