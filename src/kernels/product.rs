//! The matrix product, on slices whose bounds are checked once.

/// The numbers of a matrix: single or double precision.
pub trait Real: Copy + std::fmt::Debug + 'static {
    const ONE: Self;
    const MINUS_ONE: Self;
}

impl Real for f32 {
    const ONE: Self = 1.0;
    const MINUS_ONE: Self = -1.0;
}

impl Real for f64 {
    const ONE: Self = 1.0;
    const MINUS_ONE: Self = -1.0;
}

/// A row-major matrix, or its transpose.
#[derive(Debug, Clone, Copy)]
pub struct Matrix<'a, T = f32> {
    data: &'a [T],
    rows: usize,
    columns: usize,
    row_step: usize,
    column_step: usize,
}

impl<'a, T> Matrix<'a, T> {
    /// `data` is `[rows, columns]`, row-major.
    ///
    /// # Panics
    /// When `data` does not have rows × columns numbers. Callers take both from one checked shape.
    pub fn new(data: &'a [T], rows: usize, columns: usize) -> Self {
        assert_eq!(data.len(), rows * columns, "a matrix of {rows} × {columns}");
        Self { data, rows, columns, row_step: columns, column_step: 1 }
    }

    /// A range of its columns.
    ///
    /// # Panics
    /// When the range is out of bounds.
    #[must_use]
    pub fn columns_of(self, columns: std::ops::Range<usize>) -> Self {
        assert!(columns.start <= columns.end && columns.end <= self.columns, "columns {columns:?} of {}", self.columns);
        let start = (columns.start * self.column_step).min(self.data.len());
        Self { data: &self.data[start..], columns: columns.len(), ..self }
    }

    pub fn rows(&self) -> usize {
        self.rows
    }

    pub fn columns(&self) -> usize {
        self.columns
    }

    /// The transpose, without copying.
    #[must_use]
    pub fn transposed(self) -> Self {
        Self { rows: self.columns, columns: self.rows, row_step: self.column_step, column_step: self.row_step, ..self }
    }
}

/// `out` = `left` · `right`, row-major `[left.rows, right.columns]`, on this thread.
pub fn product<T: Real>(out: &mut [T], left: Matrix<'_, T>, right: Matrix<'_, T>) {
    multiply(out, left, right, false, T::ONE);
}

/// `out` += `left` · `right`.
pub fn accumulate<T: Real>(out: &mut [T], left: Matrix<'_, T>, right: Matrix<'_, T>) {
    multiply(out, left, right, true, T::ONE);
}

/// `out` −= `left` · `right`.
pub fn subtract<T: Real>(out: &mut [T], left: Matrix<'_, T>, right: Matrix<'_, T>) {
    multiply(out, left, right, true, T::MINUS_ONE);
}

fn multiply<T: Real>(out: &mut [T], left: Matrix<'_, T>, right: Matrix<'_, T>, add: bool, scale: T) {
    assert_eq!(left.columns, right.rows, "a product of {left:?} and {right:?}");
    assert_eq!(out.len(), left.rows * right.columns, "the result of a product");
    let step = |step: usize| step as isize;
    #[expect(unsafe_code, reason = "the product crate takes pointers and strides")]
    // SAFETY: `Matrix::new` checked that each operand has rows × columns numbers, `transposed` only swaps lengths and
    // strides, and `columns_of` only narrows. The assertion above checks the size of the result, which is borrowed mutably.
    unsafe {
        gemm::gemm(
            left.rows,
            right.columns,
            left.columns,
            out.as_mut_ptr(),
            1,
            step(right.columns),
            add,
            left.data.as_ptr(),
            step(left.column_step),
            step(left.row_step),
            right.data.as_ptr(),
            step(right.column_step),
            step(right.row_step),
            T::ONE,
            scale,
            false,
            false,
            false,
            gemm::Parallelism::None,
        );
    }
}
