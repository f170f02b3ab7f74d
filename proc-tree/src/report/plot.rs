//! A chart of CPU and memory over time, as SVG.

use std::{error::Error, io, time::Instant};

use plotters::{coord::Shift, prelude::*};

use crate::TreeRecord;

/// Samples over time, one line per tree.
#[derive(Debug)]
pub struct Chart {
    started: Instant,
    title: String,
    measure: &'static str,
    lines: Vec<Line>,
}

#[derive(Debug)]
struct Line {
    pid: u32,
    label: String,
    points: Vec<Point>,
    /// How many samples a point stands for, and how many of them the last one holds.
    width: usize,
    filled: usize,
}

/// The highest figures of the samples that the point stands for.
#[derive(Debug, Clone, Copy)]
struct Point {
    seconds: f64,
    cpu: f64,
    memory: f64,
}

/// Beyond this many points two become one: a chart of days stays as small as one of minutes.
const MOST_POINTS: usize = 2_000;

const SIZE: (u32, u32) = (960, 640);
const FONT: &str = "sans-serif";

/// Units with what one of them is worth, the smallest first.
type Units = [(&'static str, f64)];
const TIMES: &Units = &[("s", 1.0), ("min", 60.0), ("h", 3600.0)];
const SIZES: &Units = &[("KiB", 1024.0), ("MiB", 1_048_576.0), ("GiB", 1_073_741_824.0)];

impl Chart {
    /// Starts a chart.
    pub fn new(title: String) -> Self {
        Self { started: Instant::now(), title, measure: "", lines: Vec::new() }
    }

    /// Adds one sample of every tree.
    pub fn add(&mut self, records: &[TreeRecord]) {
        let seconds = self.started.elapsed().as_secs_f64();
        for record in records {
            let Some(pid) = record.pid else { continue };
            self.measure = record.figures.memory_measure.name();
            #[expect(clippy::cast_precision_loss, reason = "a chart shows three digits")]
            let memory = record.figures.memory_bytes.unwrap_or(0) as f64;
            let point = Point { seconds, cpu: record.figures.cpu_percent.unwrap_or(0.0), memory };
            match self.lines.iter_mut().find(|line| line.pid == pid) {
                Some(line) => line.add(point),
                None => self.lines.push(Line {
                    pid,
                    label: format!("{} ({pid})", record.name),
                    points: vec![point],
                    width: 1,
                    filled: 1,
                }),
            }
        }
    }

    /// Draws the chart: CPU above, memory below, over the same time.
    ///
    /// # Errors
    /// When the drawing fails.
    pub fn svg(&self) -> io::Result<String> {
        let mut text = String::new();
        let area = SVGBackend::with_string(&mut text, SIZE).into_drawing_area();
        self.draw(&area).map_err(|error| io::Error::other(error.to_string()))?;
        drop(area);
        Ok(text)
    }

    fn draw(&self, area: &DrawingArea<SVGBackend<'_>, Shift>) -> Result<(), Box<dyn Error + '_>> {
        area.fill(&WHITE).map_err(|error| error.to_string())?;
        let area = area.titled(&self.title, (FONT, 20)).map_err(|error| error.to_string())?;
        let (above, below) = area.split_vertically(area.dim_in_pixel().1 / 2);
        self.panel(&above, "CPU", ("%; 100 is one core", 1.0), |point| point.cpu)?;
        let unit = unit_for(SIZES, self.highest(|point| point.memory));
        self.panel(&below, "memory", (&format!("{}, {}", unit.0, self.measure), unit.1), |point| point.memory)?;
        area.present().map_err(|error| error.to_string().into())
    }

    fn highest(&self, figure: fn(&Point) -> f64) -> f64 {
        self.lines.iter().flat_map(|line| &line.points).map(figure).fold(0.0, f64::max)
    }

    fn panel(
        &self,
        area: &DrawingArea<SVGBackend<'_>, Shift>,
        what: &str,
        unit: (&str, f64),
        figure: fn(&Point) -> f64,
    ) -> Result<(), Box<dyn Error>> {
        let end = self.highest(|point| point.seconds);
        let time = unit_for(TIMES, end);
        let top = (self.highest(figure) / unit.1 * 1.08).max(1.0);
        let mut chart = ChartBuilder::on(area)
            .margin(12)
            .x_label_area_size(40)
            .y_label_area_size(72)
            .build_cartesian_2d(0.0..(end / time.1).max(0.1), 0.0..top)
            .map_err(|error| error.to_string())?;
        chart
            .configure_mesh()
            .x_desc(format!("time ({})", time.0))
            .y_desc(format!("{what} ({})", unit.0))
            .y_label_formatter(&|value| if top < 10.0 { format!("{value:.1}") } else { format!("{value:.0}") })
            .label_style((FONT, 13))
            .axis_desc_style((FONT, 14))
            .light_line_style(WHITE)
            .draw()
            .map_err(|error| error.to_string())?;
        for (index, line) in self.lines.iter().enumerate() {
            let style = Palette99::pick(index).stroke_width(2);
            let points = line.points.iter().map(|point| (point.seconds / time.1, figure(point) / unit.1));
            chart
                .draw_series(LineSeries::new(points, style))
                .map_err(|error| error.to_string())?
                .label(&line.label)
                .legend(move |(x, y)| PathElement::new([(x, y), (x + 18, y)], style));
        }
        if self.lines.len() > 1 {
            chart
                .configure_series_labels()
                .label_font((FONT, 13))
                .background_style(WHITE.mix(0.8))
                .border_style(BLACK.mix(0.3))
                .draw()
                .map_err(|error| error.to_string())?;
        }
        Ok(())
    }
}

/// Picks the largest unit in which the figure is 2 or more.
fn unit_for(units: &'static Units, figure: f64) -> (&'static str, f64) {
    units.iter().rev().find(|unit| figure >= 2.0 * unit.1).or(units.first()).copied().unwrap_or(("", 1.0))
}

impl Line {
    fn add(&mut self, point: Point) {
        if let Some(last) = self.points.last_mut().filter(|_| self.filled < self.width) {
            last.join(point);
            self.filled += 1;
        } else {
            self.points.push(point);
            self.filled = 1;
        }
        if self.points.len() > MOST_POINTS {
            self.points = self.points.chunks(2).map(joined).collect();
            self.width *= 2;
        }
    }
}

fn joined(points: &[Point]) -> Point {
    let mut all = points[0];
    points[1..].iter().for_each(|&point| all.join(point));
    all
}

impl Point {
    fn join(&mut self, other: Self) {
        self.cpu = self.cpu.max(other.cpu);
        self.memory = self.memory.max(other.memory);
        self.seconds = other.seconds;
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_long_line_keeps_its_peak_and_its_end_in_few_points() {
        let point = |index: usize| Point {
            seconds: f64::from(u32::try_from(index).expect("a small number")),
            cpu: if index == 7_777 { 800.0 } else { 1.0 },
            memory: 1.0,
        };
        let mut line = Line { pid: 1, label: String::new(), points: vec![point(0)], width: 1, filled: 1 };
        (1..100_000).for_each(|index| line.add(point(index)));
        assert!(line.points.len() <= MOST_POINTS);
        assert!(line.points.iter().any(|point| point.cpu > 799.0));
        assert!(line.points.last().is_some_and(|point| point.seconds > 99_998.0));
    }

    #[test]
    fn figures_are_shown_in_a_unit_that_suits_them() {
        assert_eq!(unit_for(SIZES, 3e9).0, "GiB");
        assert_eq!(unit_for(SIZES, 10.0).0, "KiB");
        assert_eq!(unit_for(TIMES, 100.0).0, "s");
        assert_eq!(unit_for(TIMES, 400.0).0, "min");
    }
}
