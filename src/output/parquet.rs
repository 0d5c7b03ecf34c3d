//! Tables as Parquet files, which pandas, R and DuckDB read with their types.

use std::sync::Arc;

use parquet::basic::{LogicalType, Repetition, Type as Physical};
use parquet::data_type::{BoolType, ByteArray, ByteArrayType, DataType, DoubleType, Int64Type};
use parquet::errors::ParquetError;
use parquet::file::properties::WriterProperties;
use parquet::file::writer::{SerializedFileWriter, SerializedRowGroupWriter};
use parquet::schema::types::Type;

use super::{Records, Scalar};
use crate::{Error, Result};

/// What a column holds: the one type of its values, text if they have several.
#[derive(Debug, Clone, Copy, PartialEq)]
enum Kind {
    Integers,
    /// Double precision; whole numbers among others as well.
    Numbers,
    Truths,
    Texts,
}

impl Kind {
    fn of(values: impl Iterator<Item = Kind>) -> Self {
        let numeric = |kind| matches!(kind, Self::Integers | Self::Numbers);
        values
            .reduce(|a, b| match (a, b) {
                (a, b) if a == b => a,
                (a, b) if numeric(a) && numeric(b) => Self::Numbers,
                _ => Self::Texts,
            })
            // A column of holes alone.
            .unwrap_or(Self::Numbers)
    }

    fn of_value(value: &Scalar) -> Option<Self> {
        Some(match value {
            Scalar::Integer(_) => Self::Integers,
            Scalar::Number(_) => Self::Numbers,
            Scalar::Bool(_) => Self::Truths,
            Scalar::Text(_) | Scalar::Other(_) => Self::Texts,
            Scalar::Empty => return None,
        })
    }
}

impl Records {
    /// A Parquet file, uncompressed: a column for every column, `null` where a value is missing.
    ///
    /// # Errors
    /// Never because of the data.
    pub fn parquet(&self) -> Result<Vec<u8>> {
        self.as_parquet().map_err(|error| Error::new(format!("cannot write the table as Parquet: {error}")))
    }

    fn as_parquet(&self) -> std::result::Result<Vec<u8>, ParquetError> {
        let kinds: Vec<Kind> = (0..self.columns.len())
            .map(|i| Kind::of(self.rows.iter().filter_map(|row| Kind::of_value(&row[i]))))
            .collect();
        let field = |(name, kind): (&String, &Kind)| {
            let (physical, logical) = match kind {
                Kind::Integers => (Physical::INT64, None),
                Kind::Numbers => (Physical::DOUBLE, None),
                Kind::Truths => (Physical::BOOLEAN, None),
                Kind::Texts => (Physical::BYTE_ARRAY, Some(LogicalType::String)),
            };
            let field = Type::primitive_type_builder(name, physical).with_repetition(Repetition::OPTIONAL);
            field.with_logical_type(logical).build().map(Arc::new)
        };
        let fields = self.columns.iter().zip(&kinds).map(field).collect::<std::result::Result<_, _>>()?;
        let schema = Arc::new(Type::group_type_builder("table").with_fields(fields).build()?);
        let mut writer = SerializedFileWriter::new(Vec::new(), schema, Arc::new(WriterProperties::default()))?;
        let mut group = writer.next_row_group()?;
        for (i, kind) in kinds.into_iter().enumerate() {
            let cells = || {
                self.rows.iter().map(move |row| &row[i]).map(|cell| Some(cell).filter(|&cell| *cell != Scalar::Empty))
            };
            let text = |cell: &Scalar| ByteArray::from(cell.to_string().into_bytes());
            match kind {
                Kind::Integers => {
                    column::<Int64Type>(&mut group, cells(), |cell| if let Scalar::Integer(i) = cell { *i } else { 0 })
                }
                Kind::Numbers => column::<DoubleType>(&mut group, cells(), |cell| cell.number().unwrap_or(f64::NAN)),
                Kind::Truths => column::<BoolType>(&mut group, cells(), |cell| *cell == Scalar::Bool(true)),
                Kind::Texts => column::<ByteArrayType>(&mut group, cells(), text),
            }?;
        }
        group.close()?;
        writer.into_inner()
    }
}

/// Writes the next column of a row group; `None` is a missing value.
fn column<'a, T: DataType>(
    group: &mut SerializedRowGroupWriter<'_, Vec<u8>>,
    cells: impl Iterator<Item = Option<&'a Scalar>>,
    value: impl Fn(&Scalar) -> T::T,
) -> std::result::Result<(), ParquetError> {
    let (mut values, mut levels) = (Vec::new(), Vec::new());
    for cell in cells {
        values.extend(cell.map(&value));
        levels.push(i16::from(cell.is_some()));
    }
    let Some(mut column) = group.next_column()? else { return Ok(()) };
    column.typed::<T>().write_batch(&values, Some(&levels), None)?;
    column.close()
}
