//! The drawing of a chart. It has a background of its own, so that it can be read in a light and in a dark page; its curves
//! differ in colour, for eyes of every kind, and in their dashes.

use std::{fmt::Display, time::Duration};

use plotters::{
    coord::Shift,
    element::DashedPathElement,
    prelude::*,
    style::text_anchor::{HPos, Pos, VPos},
};

use crate::cli::{duration, size, text};

use super::{
    curve::{Curve, Point},
    unit::{SIZES, TIMES, unit_for},
};

/// A chart to be.
pub(super) struct Picture<'c> {
    /// What was run or watched.
    pub(super) title: &'c str,
    pub(super) took: Duration,
    /// What the memory is.
    pub(super) measure: String,
    pub(super) curves: &'c [Curve],
}

type Area<'a> = DrawingArea<SVGBackend<'a>, Shift>;
type Drawn = Result<(), String>;

/// One of the two figures of a curve, and how it is shown.
struct Axis<'p> {
    name: &'p str,
    unit: (&'p str, f64),
    /// Why there may be no point.
    nothing: &'p str,
    figure: fn(&Point) -> Option<f64>,
    peak: fn(&Curve) -> Option<String>,
}

const WIDTH: u32 = 960;
const MARGIN: i32 = 16;
/// The title and the line below it.
const HEAD: i32 = 68;
const LEGEND_LINE: i32 = 22;
const PANEL: u32 = 280;

const SANS: &str = "sans-serif";
/// What was run, and the names of trees: the width of such a text is known.
const MONO: &str = "monospace";

const INK: RGBColor = RGBColor(33, 37, 41);

/// Colours that differ also for the colour-blind and are dark enough on white: M. Okabe and K. Ito, "Color Universal Design",
/// 2008, less their yellow, orange and light blue.
const COLORS: [RGBColor; 5] =
    [RGBColor(0, 114, 178), RGBColor(213, 94, 0), RGBColor(0, 158, 115), RGBColor(204, 121, 167), BLACK];

/// Lengths of a dash and of the gap behind it. There is no common divisor with the number of colours.
const DASHES: [Option<(i32, i32)>; 3] = [None, Some((8, 4)), Some((2, 4))];

/// So many trees are named; more would hide the curves.
const MOST_NAMED: usize = 12;

impl Picture<'_> {
    pub(super) fn svg(&self) -> Result<String, String> {
        let mut svg = String::new();
        let height = HEAD + self.legend_height();
        let below = if self.curves.is_empty() { PANEL / 4 } else { 2 * PANEL };
        let area = SVGBackend::with_string(&mut svg, (WIDTH, height.unsigned_abs() + below)).into_drawing_area();
        self.draw(&area, height)?;
        drop(area);
        Ok(svg)
    }

    fn draw(&self, area: &Area<'_>, height: i32) -> Drawn {
        area.fill(&WHITE).map_err(said)?;
        let (head, panels) = area.split_vertically(height);
        self.head(&head)?;
        if self.curves.is_empty() {
            note(&panels, "nothing to draw: it ended before the first sample")?;
            return area.present().map_err(said);
        }
        let (above, below) = panels.split_vertically(PANEL);
        self.panel(
            area,
            &above,
            &Axis {
                name: "CPU",
                unit: ("%; 100 is one core", 1.0),
                nothing: "it ended before it could be measured over time",
                figure: |point| point.cpu,
                peak: |curve| curve.peak_cpu.map(|peak| format!("{peak:.1}%")),
            },
        )?;
        let unit = unit_for(SIZES, self.highest(|point| point.memory));
        self.panel(
            area,
            &below,
            &Axis {
                name: "memory",
                nothing: "it may not be read",
                unit: (&format!("{}, {}", unit.0, self.measure), unit.1),
                figure: |point| point.memory,
                peak: |curve| curve.peak_memory.map(size::display),
            },
        )?;
        area.present().map_err(said)
    }

    /// Says what it is about: what was run or watched, for how long, and its peaks.
    fn head(&self, area: &Area<'_>) -> Drawn {
        write(area, &shortened(self.title, 18, WIDTH), (MONO, 18), (MARGIN, 16))?;
        let took = duration::elapsed(self.took);
        let said = match self.curves {
            [only] => format!("{took}, {}", self.peaks(only)),
            [] => took,
            several => format!("{took}, {} trees", several.len()),
        };
        write(area, &said, (SANS, 15), (MARGIN, 44))?;
        self.legend(area)
    }

    /// Names the trees above the panels, where there is no curve to hide.
    fn legend(&self, area: &Area<'_>) -> Drawn {
        if self.curves.len() < 2 {
            return Ok(());
        }
        let mut y = HEAD;
        for (index, curve) in self.curves.iter().take(MOST_NAMED).enumerate() {
            line(area, vec![(MARGIN, y + 7), (MARGIN + 36, y + 7)], index)?;
            let label = format!("{}: {}", text::escape(&curve.label), self.peaks(curve));
            write(area, &shortened(&label, 13, WIDTH - 46), (MONO, 13), (MARGIN + 46, y))?;
            y += LEGEND_LINE;
        }
        match self.curves.len().saturating_sub(MOST_NAMED) {
            0 => Ok(()),
            more => write(area, &format!("… {more} more"), (MONO, 13), (MARGIN + 46, y)),
        }
    }

    fn legend_height(&self) -> i32 {
        let lines = self.curves.len().min(MOST_NAMED + 1);
        if lines < 2 { 0 } else { LEGEND_LINE * i32::try_from(lines).unwrap_or(0) }
    }

    fn highest(&self, figure: fn(&Point) -> Option<f64>) -> f64 {
        self.curves.iter().flat_map(|curve| &curve.points).filter_map(figure).fold(0.0, f64::max)
    }

    /// Draws one figure of all curves into its part of the whole.
    fn panel(&self, root: &Area<'_>, area: &Area<'_>, axis: &Axis<'_>) -> Drawn {
        if !self.curves.iter().flat_map(|curve| &curve.points).any(|point| (axis.figure)(point).is_some()) {
            return note(area, &format!("no {}: {}", axis.name, axis.nothing));
        }
        let end = self.highest(|point| Some(point.seconds)).max(self.took.as_secs_f64());
        let time = unit_for(TIMES, end);
        // room for what is said of the peak
        let over = end / time.1;
        let top = (self.highest(axis.figure) / axis.unit.1 * 1.2).max(1.0);
        let mut chart = ChartBuilder::on(area)
            .margin(MARGIN)
            .x_label_area_size(44)
            .y_label_area_size(72)
            .build_cartesian_2d(0.0..over, 0.0..top)
            .map_err(said)?;
        chart
            .configure_mesh()
            .x_desc(format!("time ({})", time.0))
            .y_desc(format!("{} ({})", axis.name, axis.unit.0))
            .x_label_formatter(&|value| label(*value, over))
            .y_label_formatter(&|value| label(*value, top))
            .y_labels(6)
            .label_style((SANS, 14, &INK))
            .axis_desc_style((SANS, 15, &INK))
            .bold_line_style(INK.mix(0.15))
            .light_line_style(TRANSPARENT)
            .axis_style(INK)
            .draw()
            .map_err(said)?;
        for (index, curve) in self.curves.iter().enumerate() {
            let place = |point: &Point| {
                Some(chart.backend_coord(&(point.seconds / time.1, (axis.figure)(point)? / axis.unit.1)))
            };
            let places: Vec<(i32, i32)> = curve.points.iter().filter_map(place).collect();
            let Some(&highest) = places.iter().min_by_key(|(_, y)| *y) else { continue };
            line(root, places, index)?;
            root.draw(&Circle::new(highest, 4, color(index).filled())).map_err(said)?;
            if let (1, Some(peak)) = (self.curves.len(), (axis.peak)(curve)) {
                say_peak(root, &format!("peak {peak}"), highest)?;
            }
        }
        Ok(())
    }

    fn peaks(&self, curve: &Curve) -> String {
        let cpu = curve.peak_cpu.map_or("unknown".into(), |peak| format!("{peak:.1}%"));
        let memory = curve.peak_memory.map(|peak| format!("{} ({})", size::display(peak), self.measure));
        format!("peak CPU {cpu}, peak memory {}", memory.as_deref().unwrap_or("unknown"))
    }
}

/// Words a figure on an axis that goes up to another one.
fn label(value: f64, top: f64) -> String {
    if top < 10.0 { format!("{value:.1}") } else { format!("{value:.0}") }
}

fn color(index: usize) -> RGBColor {
    COLORS[index % COLORS.len()]
}

/// Draws a curve, by its number: no two of fifteen are alike.
fn line(area: &Area<'_>, places: Vec<(i32, i32)>, index: usize) -> Drawn {
    let style = color(index).stroke_width(2);
    match DASHES[index % DASHES.len()] {
        None => area.draw(&PathElement::new(places, style)),
        Some((dash, gap)) => area.draw(&DashedPathElement::new(places, dash, gap, style)),
    }
    .map_err(said)
}

/// Says how high the highest point is, above it and on the side where there is more room.
fn say_peak(area: &Area<'_>, what: &str, (x, y): (i32, i32)) -> Drawn {
    let (side, shift) = if x > WIDTH.cast_signed() / 2 { (HPos::Right, 6) } else { (HPos::Left, -6) };
    let style = (SANS, 14).into_text_style(area).color(&INK).pos(Pos::new(side, VPos::Bottom));
    area.draw_text(what, &style, (x + shift, y - 7)).map_err(said)
}

fn write(area: &Area<'_>, what: &str, font: (&str, i32), place: (i32, i32)) -> Drawn {
    area.draw_text(what, &font.into_text_style(area).color(&INK), place).map_err(said)
}

/// Says why there is no curve, in its place.
fn note(area: &Area<'_>, what: &str) -> Drawn {
    let (width, height) = area.dim_in_pixel();
    let style = (SANS, 16).into_text_style(area).color(&INK).pos(Pos::new(HPos::Center, VPos::Center));
    area.draw_text(what, &style, (width.cast_signed() / 2, height.cast_signed() / 2)).map_err(said)
}

/// Cuts a text of the monospaced font to a width: a column takes half of a size, which is a little more than the height of a
/// letter.
fn shortened(what: &str, size: u32, width: u32) -> String {
    let columns = (width - 2 * MARGIN.unsigned_abs()) * 2 / size;
    text::cut(&text::escape(what), usize::try_from(columns).unwrap_or(usize::MAX)).into_owned()
}

fn said(error: impl Display) -> String {
    error.to_string()
}

#[cfg(test)]
mod tests {
    use super::*;

    fn curve(pid: u32, name: &str, memory: Option<f64>) -> Curve {
        let point = |seconds: f64| Point { seconds, cpu: Some(seconds * 10.0), memory };
        let mut curve = Curve::new(pid, format!("{name} ({pid})"), point(0.1));
        (1..=50).for_each(|step| curve.add(point(f64::from(step) / 10.0)));
        (curve.peak_cpu, curve.peak_memory) = (Some(50.0), memory.map(|_| 20 << 20));
        curve
    }

    fn drawn(title: &str, curves: &[Curve]) -> String {
        let took = Duration::from_millis(12_340);
        Picture { title, took, measure: "pss".into(), curves }.svg().expect("a string takes everything")
    }

    /// Returns each text of a drawing with its font, its size and where it begins.
    fn texts(svg: &str) -> Vec<(String, bool, f64, f64)> {
        let texts = svg.split("<text ").skip(1).map(|text| {
            let (attributes, rest) = text.split_once('>').expect("a tag ends");
            let number = |name: &str| -> f64 {
                let value = attributes.split(&format!("{name}=\"")).nth(1).and_then(|rest| rest.split('"').next());
                value.and_then(|value| value.parse().ok()).expect("a number")
            };
            let said = rest.split("</text>").next().unwrap_or_default().trim().to_owned();
            (said, attributes.contains("monospace"), number("font-size"), number("x"))
        });
        texts.collect()
    }

    #[test]
    fn what_was_run_and_its_peaks_are_written_in_and_nothing_is_beyond_the_edge() {
        let long = "W日本 <&> \u{1b}[31m\u{202e}".repeat(40);
        for curves in [vec![curve(1, "node", Some(2e7))], (1..20).map(|pid| curve(pid, &long, Some(2e7))).collect()] {
            let svg = drawn(&long, &curves);
            assert!(svg.starts_with("<svg") && !svg.contains(['\u{1b}', '\u{202e}']), "{svg}");
            let texts = texts(&svg);
            for (said, _, size, x) in texts.iter().filter(|text| text.1) {
                let letters = said.replace("&lt;", "<").replace("&gt;", ">").replace("&amp;", "&");
                #[expect(clippy::cast_precision_loss, reason = "a hundred columns or so")]
                let width = text::width(&letters) as f64 * size * 0.602;
                assert!(x + width <= f64::from(WIDTH), "{said}: {width}");
            }
            assert!(texts[0].0.starts_with("W日本 &lt;&amp;&gt; \\u{1b}[31m\\u{202e}W") && texts[0].0.ends_with('…'));
            let peaks = "peak CPU 50.0%, peak memory 20.0 MiB (pss)";
            let second = if curves.len() == 1 { format!("12.3 s, {peaks}") } else { "12.3 s, 19 trees".into() };
            assert_eq!(texts[1].0, second);
            assert_eq!(svg.contains("… 7 more"), curves.len() > 1);
            let labels = ["CPU (%; 100 is one core)", "memory (MiB, pss)", "time (s)"];
            assert!(labels.iter().all(|label| texts.iter().any(|text| text.0 == *label)), "{texts:?}");
        }
        let svg = drawn("x", &[curve(1, "node", Some(2e7))]);
        assert!(texts(&svg).iter().any(|text| text.0 == "peak 20.0 MiB"), "{svg}");
    }

    #[test]
    fn what_was_not_measured_has_a_reason_and_no_axes() {
        let svg = drawn("true", &[]);
        let said: Vec<String> = texts(&svg).into_iter().map(|text| text.0).collect();
        assert_eq!(said, ["true", "12.3 s", "nothing to draw: it ended before the first sample"]);
        let svg = drawn("x", &[curve(1, "x", None)]);
        assert!(svg.contains("no memory: it may not be read") && !svg.contains("memory (KiB"), "{svg}");
        assert!(svg.contains("peak memory unknown") && svg.contains("peak 50.0%"), "{svg}");
    }

    #[test]
    fn colours_are_dark_enough_on_white_and_curves_differ_in_their_dashes_too() {
        let linear = |part: u8| ((f64::from(part) / 255.0 + 0.055) / 1.055).powf(2.4);
        for RGBColor(red, green, blue) in COLORS {
            let luminance = 0.2126 * linear(red) + 0.7152 * linear(green) + 0.0722 * linear(blue);
            assert!(1.05 / (luminance + 0.05) >= 3.0, "{red} {green} {blue}: less than WCAG asks for");
        }
        let looks: std::collections::HashSet<_> =
            (0..15).map(|index| (index % COLORS.len(), index % DASHES.len())).collect();
        assert_eq!(looks.len(), 15);
    }
}
