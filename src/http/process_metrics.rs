//! Metrics of the process, under the names that all clients of Prometheus use. They come from
//! `/proc`, so there are none on other systems than Linux.

use std::fmt;
use std::fs;

use prometheus_client::collector::Collector;
use prometheus_client::encoding::{DescriptorEncoder, EncodeMetric};
use prometheus_client::metrics::counter::ConstCounter;
use prometheus_client::metrics::gauge::ConstGauge;
use prometheus_client::registry::Unit;

/// Ticks per second of the times in `/proc`: `USER_HZ`, fixed in the interface of the kernel.
const TICKS: f64 = 100.0;

/// Reads the metrics when they are asked for.
#[derive(Debug)]
pub(super) struct ProcessMetrics;

/// What `/proc` says about this process.
#[derive(Debug, PartialEq)]
struct Process {
    cpu_seconds: f64,
    threads: u64,
    start_seconds: f64,
    resident_bytes: u64,
    virtual_bytes: u64,
    open_fds: u64,
    max_fds: u64,
}

impl Collector for ProcessMetrics {
    fn encode(&self, mut encoder: DescriptorEncoder<'_>) -> fmt::Result {
        let Some(process) = Process::read() else {
            return Ok(());
        };
        let (name, help) = ("process_cpu", "Processor time, user and system");
        let cpu = ConstCounter::new(process.cpu_seconds);
        cpu.encode(encoder.encode_descriptor(
            name,
            help,
            Some(&Unit::Seconds),
            cpu.metric_type(),
        )?)?;
        let (name, help) = ("process_start_time", "Start of the process, since 1970");
        let start = ConstGauge::new(process.start_seconds);
        start.encode(encoder.encode_descriptor(
            name,
            help,
            Some(&Unit::Seconds),
            start.metric_type(),
        )?)?;
        let bytes = Some(&Unit::Bytes);
        for (name, help, unit, value) in [
            (
                "process_resident_memory",
                "Resident memory",
                bytes,
                process.resident_bytes,
            ),
            (
                "process_virtual_memory",
                "Virtual memory",
                bytes,
                process.virtual_bytes,
            ),
            (
                "process_open_fds",
                "Open file descriptors",
                None,
                process.open_fds,
            ),
            (
                "process_max_fds",
                "Maximum number of open file descriptors",
                None,
                process.max_fds,
            ),
            ("process_threads", "Threads", None, process.threads),
        ] {
            let gauge = ConstGauge::new(value);
            gauge.encode(encoder.encode_descriptor(name, help, unit, gauge.metric_type())?)?;
        }
        Ok(())
    }
}

impl Process {
    /// `None` if a file is missing or not as expected.
    fn read() -> Option<Self> {
        let read = |name: &str| fs::read_to_string(format!("/proc/{name}")).ok();
        let open_fds = fs::read_dir("/proc/self/fd").ok()?.count();
        Self::parse(
            &read("self/stat")?,
            &read("self/status")?,
            &read("self/limits")?,
            &read("stat")?,
            u64::try_from(open_fds).ok()?,
        )
    }

    fn parse(stat: &str, status: &str, limits: &str, system: &str, open_fds: u64) -> Option<Self> {
        // The name of the program, in brackets, may contain blanks and brackets.
        let (_, fields) = stat.rsplit_once(')')?;
        let fields: Vec<&str> = fields.split_whitespace().collect();
        // Counted as in proc_pid_stat(5), where the state that follows the name is field 3.
        let field = |number: usize| -> Option<f64> { fields.get(number - 3)?.parse().ok() };
        let boot: f64 = number_after(system, "btime")?;
        let kibibytes = |name: &str| Some(number_after::<u64>(status, name)? << 10);
        Some(Self {
            cpu_seconds: (field(14)? + field(15)?) / TICKS,
            threads: number_after(status, "Threads:")?,
            start_seconds: boot + field(22)? / TICKS,
            resident_bytes: kibibytes("VmRSS:")?,
            virtual_bytes: kibibytes("VmSize:")?,
            open_fds,
            max_fds: number_after(limits, "Max open files").unwrap_or(u64::MAX),
        })
    }
}

/// The number that follows a word at the beginning of a line.
fn number_after<T: std::str::FromStr>(text: &str, word: &str) -> Option<T> {
    let line = text.lines().find_map(|line| line.strip_prefix(word))?;
    line.split_whitespace().next()?.parse().ok()
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn files_of_proc_are_read() {
        let stat =
            "7 (trip (graph) x) S 1 7 7 0 -1 4194560 900 0 0 0 250 50 0 0 20 0 9 0 12345 99 8";
        let status = "Name:\ttripgraph\nVmSize:\t  2048 kB\nVmRSS:\t  1024 kB\nThreads:\t9\n";
        let limits = "Limit  Soft Limit  Hard Limit  Units\nMax open files  1024  4096  files\n";
        let expected = Process {
            cpu_seconds: 3.0,
            threads: 9,
            start_seconds: 1_123.45,
            resident_bytes: 1 << 20,
            virtual_bytes: 2 << 20,
            open_fds: 12,
            max_fds: 1024,
        };
        let system = "cpu  1 2 3\nbtime 1000\n";
        let process = Process::parse(stat, status, limits, system, 12);
        assert_eq!(process, Some(expected));
        assert_eq!(Process::parse("", status, limits, system, 12), None);
    }

    #[cfg(target_os = "linux")]
    #[test]
    fn this_process_is_measured() {
        let process = Process::read().unwrap();
        assert!(process.threads >= 1 && process.resident_bytes > 1 << 20);
        assert!(process.open_fds >= 3 && process.open_fds < process.max_fds);
    }
}
