//! What this process takes of the machine, as Linux tells it (proc(5)); elsewhere nothing. The
//! names are those that Prometheus' own clients use.

use std::{fmt, fs};

use prometheus_client::{
    collector::Collector,
    encoding::{DescriptorEncoder, EncodeMetric},
    metrics::{MetricType, counter::ConstCounter},
};

/// This process.
#[derive(Debug)]
pub(crate) struct Process;

/// The kernel's clock ticks in a second, as programs see them (`USER_HZ`, the same everywhere).
const TICKS: f64 = 100.0;

impl Collector for Process {
    fn encode(&self, mut encoder: DescriptorEncoder<'_>) -> fmt::Result {
        if let Some(seconds) = cpu() {
            // The encoder adds `_total` itself.
            let help = "Processor time of this process, user and system";
            let name = "process_cpu_seconds";
            let counter = encoder.encode_descriptor(name, help, None, MetricType::Counter)?;
            ConstCounter::new(seconds).encode(counter)?;
        }
        if let Some(bytes) = memory() {
            let help = "Memory of this process that is in RAM";
            let name = "process_resident_memory_bytes";
            encoder
                .encode_descriptor(name, help, None, MetricType::Gauge)?
                .encode_gauge(&bytes)?;
        }
        if let Ok(files) = fs::read_dir("/proc/self/fd") {
            let help = "Open files and connections of this process";
            let open = i64::try_from(files.count()).unwrap_or(i64::MAX);
            encoder
                .encode_descriptor("process_open_fds", help, None, MetricType::Gauge)?
                .encode_gauge(&open)?;
        }
        Ok(())
    }
}

fn cpu() -> Option<f64> {
    cpu_of(&fs::read_to_string("/proc/self/stat").ok()?)
}

/// Fields 14 and 15, counted from behind the name, which may hold anything.
fn cpu_of(stat: &str) -> Option<f64> {
    let (_, rest) = stat.rsplit_once(')')?;
    let mut fields = rest.split_ascii_whitespace().skip(11);
    let mut ticks = || fields.next()?.parse::<u32>().ok();
    let (user, system) = (ticks()?, ticks()?);
    Some((f64::from(user) + f64::from(system)) / TICKS)
}

fn memory() -> Option<i64> {
    memory_of(&fs::read_to_string("/proc/self/status").ok()?)
}

fn memory_of(status: &str) -> Option<i64> {
    let line = status
        .lines()
        .find_map(|line| line.strip_prefix("VmRSS:"))?;
    let kibibytes: i64 = line.trim().strip_suffix("kB")?.trim().parse().ok()?;
    kibibytes.checked_mul(1024)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_kernels_words_are_understood() {
        let stat = "7 (a ) b) S 1 7 7 0 -1 4194560 100 0 0 0 250 50 0 0 20 0 9 0 100 0 0";
        assert_eq!(cpu_of(stat), Some(3.0));
        assert_eq!(
            memory_of("VmPeak:\t 9 kB\nVmRSS:\t    12 kB\n"),
            Some(12 * 1024)
        );
        for nonsense in ["", "7 (a", "7 (a) S 1"] {
            assert_eq!(cpu_of(nonsense), None);
            assert_eq!(memory_of(nonsense), None);
        }
    }
}
