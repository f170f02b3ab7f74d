//! Aligned columns for people.

use std::{
    io::{self, Write},
    time::Duration,
};

use crate::{
    Figures, Member, TreeRecord,
    cli::{
        duration, size,
        table::Table,
        terminal::{Look, PID},
        text,
    },
};

/// Which columns there are beyond the usual ones.
#[derive(Debug, Clone, Copy, Default, PartialEq, Eq)]
pub struct Columns {
    /// GPU memory.
    pub gpu: bool,
    /// Peaks.
    pub peaks: bool,
}

/// The column that is no number.
const NAME: usize = 1;

/// What a narrow terminal loses, the first of them first.
const EXPENDABLE: [&str; 6] = ["THREADS", "PROCS", "RSS", "PEAK CPU", "PEAK MEMORY", "GPU"];

const NONE: &str = "–";
const UNKNOWN: &str = "?";

/// Writes a row per tree, its members below it where they are known.
pub(super) fn write(records: &[TreeRecord], columns: Columns, out: &mut dyn Write, look: &Look) -> io::Result<()> {
    let measure = common_measure(records);
    let memory_title = match measure {
        Some(measure) => format!("MEMORY ({measure})"),
        None => "MEMORY".into(),
    };
    let mut header: Vec<String> = ["PID", "NAME", "PROCS", "THREADS", "CPU"].map(Into::into).into();
    header.push(memory_title);
    header.push("RSS".into());
    if columns.gpu {
        header.push("GPU".into());
    }
    if columns.peaks {
        header.extend(["PEAK CPU".into(), "PEAK MEMORY".into()]);
    }
    header.push("UP".into());
    let place = |title: &&str| header.iter().position(|known| known == title);
    let expendable: Vec<usize> = EXPENDABLE.iter().filter_map(place).collect();
    let numbers: Vec<usize> = (0..header.len()).filter(|&column| column != NAME).collect();
    let mut table = Table::new(header).styled(0, PID).right(&numbers).losing(&expendable);
    let cells = Cells { columns, names_measure: measure.is_none(), name: look.columns.map(|columns| columns / 4) };
    for record in records {
        table.row(cells.of_record(record));
        let members = record.members.as_deref().unwrap_or_default();
        for (index, member) in members.iter().enumerate() {
            table.row(cells.of_member(member, index + 1 == members.len()));
        }
    }
    table.write(out, look)
}

/// The measure goes into the header where all trees share it.
fn common_measure(records: &[TreeRecord]) -> Option<&'static str> {
    let mut names = records.iter().map(|record| record.figures.memory_measure.name());
    let first = names.next()?;
    names.all(|name| name == first).then_some(first)
}

struct Cells {
    columns: Columns,
    names_measure: bool,
    /// How many columns a name may take.
    name: Option<usize>,
}

impl Cells {
    fn of_record(&self, record: &TreeRecord) -> Vec<String> {
        let peaks = [percent(record.peak_cpu_percent), bytes(record.peak_memory_bytes)];
        self.row(
            record.pid.map_or(NONE.into(), |pid| pid.to_string()),
            &record.name,
            known(record.processes),
            &record.figures,
            peaks,
            uptime(record.uptime),
        )
    }

    fn of_member(&self, member: &Member, last: bool) -> Vec<String> {
        let name = format!("{} {}", if last { '└' } else { '├' }, member.name);
        let none = [NONE.into(), NONE.into()];
        self.row(member.pid.to_string(), &name, "1".into(), &member.figures, none, uptime(member.uptime))
    }

    fn row(
        &self,
        pid: String,
        name: &str,
        processes: String,
        figures: &Figures,
        peaks: [String; 2],
        up: String,
    ) -> Vec<String> {
        let mut memory = bytes(figures.memory_bytes);
        if self.names_measure && figures.memory_bytes.is_some() {
            memory = format!("{memory} ({})", figures.memory_measure.name());
        }
        let name = self.name.map_or(name.into(), |columns| text::cut(name, columns)).into_owned();
        let mut row = vec![pid, name, processes, known(figures.threads), percent(figures.cpu_percent), memory];
        row.push(bytes(figures.memory.rss));
        if self.columns.gpu {
            row.push(bytes(figures.gpu_memory_bytes));
        }
        if self.columns.peaks {
            row.extend(peaks);
        }
        row.push(up);
        row
    }
}

fn known(value: Option<u64>) -> String {
    value.map_or(NONE.into(), |value| value.to_string())
}

fn uptime(value: Option<Duration>) -> String {
    value.map_or(NONE.into(), duration::uptime)
}

/// Shows a share of one core.
pub(super) fn percent(value: Option<f64>) -> String {
    value.map_or(UNKNOWN.into(), |value| format!("{value:.1}%"))
}

/// Shows a size.
pub(super) fn bytes(value: Option<u64>) -> String {
    value.map_or(UNKNOWN.into(), size::display)
}
