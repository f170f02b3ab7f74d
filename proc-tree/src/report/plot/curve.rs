//! What one tree used over time, in few points however long that is.

/// One tree.
#[derive(Debug)]
pub(super) struct Curve {
    pub(super) pid: u32,
    pub(super) label: String,
    pub(super) points: Vec<Point>,
    pub(super) peak_cpu: Option<f64>,
    pub(super) peak_memory: Option<u64>,
    /// How many samples a point stands for, and how many of them the last one holds.
    width: usize,
    filled: usize,
}

/// The highest figures of the samples that the point stands for; `None` where they are unknown.
#[derive(Debug, Clone, Copy)]
pub(super) struct Point {
    pub(super) seconds: f64,
    pub(super) cpu: Option<f64>,
    pub(super) memory: Option<f64>,
}

/// Beyond this many points two become one: a chart of days stays as small as one of minutes.
const MOST_POINTS: usize = 2_000;

impl Curve {
    pub(super) fn new(pid: u32, label: String, first: Point) -> Self {
        Self { pid, label, points: vec![first], peak_cpu: None, peak_memory: None, width: 1, filled: 1 }
    }

    pub(super) fn add(&mut self, point: Point) {
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
        self.cpu = highest(self.cpu, other.cpu);
        self.memory = highest(self.memory, other.memory);
        self.seconds = other.seconds;
    }
}

fn highest(one: Option<f64>, other: Option<f64>) -> Option<f64> {
    [one, other].into_iter().flatten().reduce(f64::max)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_long_curve_keeps_its_peak_and_its_end_in_few_points() {
        let point = |index: usize| Point {
            seconds: f64::from(u32::try_from(index).expect("a small number")),
            cpu: (index != 7_776).then_some(if index == 7_777 { 800.0 } else { 1.0 }),
            memory: None,
        };
        let mut curve = Curve::new(1, String::new(), point(0));
        (1..100_000).for_each(|index| curve.add(point(index)));
        assert!(curve.points.len() <= MOST_POINTS);
        assert!(curve.points.iter().any(|point| point.cpu.is_some_and(|cpu| cpu > 799.0)));
        assert!(curve.points.iter().all(|point| point.memory.is_none()), "what is unknown is not 0");
        assert!(curve.points.last().is_some_and(|point| point.seconds > 99_998.0));
    }
}
