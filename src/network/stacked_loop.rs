//! Trainings of networks of one shape that a device computes as one, step by step; each ends and is recorded by itself.

use super::stack::Stack;
use super::training_loop::{Course, Ended, History, Stop, arrays_and_moments, with_arrays, with_moments};
use crate::work::{Context, Value};
use crate::{Error, Result};

/// Trainings with the same data and settings that are under way together. Their seeds differ.
pub(super) struct StackedLoop<'a> {
    courses: Vec<Course<'a>>,
    /// How those ended that have ended before the others. The stack goes on with their networks, which nobody looks at.
    ended: Vec<Option<Ended>>,
    stack: Stack<'a>,
}

/// What a state holds.
struct Resumed {
    histories: Vec<History>,
    ended: Vec<Option<Ended>>,
    steps: usize,
    arrays: Vec<Vec<f32>>,
    moments: Vec<[Vec<f32>; 2]>,
}

impl<'a> StackedLoop<'a> {
    pub fn new(courses: Vec<Course<'a>>, stack: Stack<'a>) -> Self {
        Self { ended: vec![None; courses.len()], courses, stack }
    }

    /// Takes all steps that are left.
    ///
    /// # Errors
    /// When the run is to stop, or the device fails.
    pub fn run(mut self, context: &Context<'_>) -> Result<Vec<(History, Ended)>> {
        while self.ended.iter().any(Option::is_none) {
            self.epoch(context)?;
        }
        let histories = self.courses.into_iter().map(|course| course.history);
        Ok(histories.zip(self.ended.into_iter().flatten()).collect())
    }

    /// The rest of an epoch.
    fn epoch(&mut self, context: &Context<'_>) -> Result<()> {
        let Some(leading) = self.ended.iter().position(Option::is_none) else { return Ok(()) };
        if self.courses[leading].is_over() {
            return self.end_others(Stop::Finished);
        }
        let orders: Vec<Vec<u32>> = self.courses.iter().map(Course::order).collect();
        let (samples, batch) = (orders[leading].len(), self.courses[leading].training.batch);
        for start in (0..samples).step_by(batch).skip(self.courses[leading].history.progress.batches) {
            if self.stack.steps() >= self.courses[leading].all_steps() {
                return self.end_others(Stop::Finished);
            }
            let rows = start..samples.min(start + batch);
            self.step(orders.iter().map(|order| &order[rows.clone()]))?;
            if self.ended.iter().all(Option::is_some) {
                return Ok(());
            }
            let operations: f64 = self.courses.iter().map(|course| course.operations_per_sample).sum();
            context.advance(rows.len() as f64 * operations)?;
            context.checkpoint(&|| self.state())?;
        }
        for i in 0..self.courses.len() {
            if self.ended[i].is_some() {
                continue;
            }
            let stop = self.courses[i].end_epoch(|x| self.stack.outputs(i, x))?;
            if let Some(stop) = stop {
                self.end(i, stop, self.stack.steps())?;
            }
        }
        Ok(())
    }

    /// One step of every network, each on its own batch.
    fn step<'b>(&mut self, batches: impl Iterator<Item = &'b [u32]>) -> Result<()> {
        let (mut x, mut labels) = (Vec::new(), Vec::new());
        for (course, batch) in self.courses.iter().zip(batches) {
            let mut own = Vec::new();
            course.gather(batch, &mut x, &mut own);
            labels.push(own);
        }
        let step = self.stack.steps();
        let rate = self.courses[0].rate(step);
        let results = self.stack.step(x, &labels, rate)?;
        for (i, result) in results.into_iter().enumerate() {
            if self.ended[i].is_some() {
                continue;
            }
            if let Some(stop) = self.courses[i].record(step, rate, result, labels[i].len()) {
                // A step whose loss is not finite is none.
                self.end(i, stop, step + usize::from(result.loss.is_finite()))?;
            }
        }
        Ok(())
    }

    fn end(&mut self, i: usize, stop: Stop, steps: usize) -> Result<()> {
        self.ended[i] = Some(Ended { stop, steps, arrays: self.stack.arrays(i)? });
        Ok(())
    }

    fn end_others(&mut self, stop: Stop) -> Result<()> {
        let others: Vec<usize> = (0..self.ended.len()).filter(|&i| self.ended[i].is_none()).collect();
        others.into_iter().try_for_each(|i| self.end(i, stop, self.stack.steps()))
    }

    /// Everything that decides how the trainings go on.
    fn state(&self) -> Result<Value> {
        let own = |i: usize| {
            let history = self.courses[i].history.state();
            match &self.ended[i] {
                Some(Ended { stop, steps, arrays }) => {
                    let stop = vec![f64::from(*stop as u8), *steps as f64];
                    with_arrays(history.with("stop", &[2], stop), arrays.clone())
                }
                None => history,
            }
        };
        let of_each = (0..self.courses.len()).fold(Value::default(), |all, i| all.with_part(i, own(i)));
        let steps = of_each.with("steps", &[1], vec![self.stack.steps() as f64]);
        Ok(with_moments(with_arrays(steps, self.stack.all_arrays()?), self.stack.moments()?))
    }

    /// Goes on from a state that [`StackedLoop::state`] returned. One that does not fit these trainings changes nothing.
    ///
    /// # Errors
    /// When the run is to stop.
    pub fn resume(&mut self, state: &Value, context: &Context<'_>) -> Result<()> {
        let Ok(resumed) = self.resumed(state) else { return Ok(()) };
        let Resumed { histories, ended, steps, arrays, moments } = resumed;
        self.courses.iter_mut().zip(histories).for_each(|(course, history)| course.history = history);
        self.ended = ended;
        self.stack.resume(steps, arrays, moments);
        context.advance(self.courses.iter().map(Course::operations_so_far).sum())
    }

    fn resumed(&self, state: &Value) -> Result<Resumed> {
        let lengths = self.stack.lengths();
        let (mut histories, mut ended) = (Vec::new(), Vec::new());
        for (i, course) in self.courses.iter().enumerate() {
            let own = state.part(i).ok_or_else(|| Error::new("a state of other trainings"))?;
            histories.push(course.history.resumed(&own)?);
            ended.push(match Stop::of(&own) {
                Ok((stop, steps)) => {
                    let arrays = (0..lengths.len()).map(|i| Ok(own.f32s(&format!("array.{i}"))?.1.to_vec()));
                    Some(Ended { stop, steps, arrays: arrays.collect::<Result<_>>()? })
                }
                Err(_) => None,
            });
        }
        let steps = state.f64s("steps")?.1.first().copied().unwrap_or(0.0) as usize;
        let (arrays, moments) = arrays_and_moments(state, &lengths)?;
        Ok(Resumed { histories, ended, steps, arrays, moments })
    }
}
