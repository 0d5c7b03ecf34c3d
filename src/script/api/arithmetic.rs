//! Arithmetic with curves, numbers and tables, and the comparison of numbers.

use std::collections::BTreeSet;

use rhai::plugin::*;
use rhai::{Dynamic, Engine, FLOAT, FuncRegistration, INT, Identifier, Map, Module};

use super::curve::value_of;
use super::general::wanted_number;
use super::sweep::for_each_row;
use crate::Error;
use crate::entropy::{Derivation, Operator, derive};
use crate::script::join::{Joined, Lacking};
use crate::script::lazy::{Curve, Number};
use crate::script::options::{describe, number};
use crate::script::session::{Native, Session};
use crate::script::table::Table;
use crate::work::Described;

/// Pages of the operators that `register` adds.
pub(super) const OPERATORS: &str = r#"
## arithmetic: + - * / ** min max
## Curve + Curve -> Curve
## Curve + number -> Curve
## Number + number -> Number
## Table + Table -> Table
## Table + number -> Table
Arithmetic with curves, numbers and tables, in any order; `-`, `*`, `/` and `**` likewise, a minus before
one, and the functions `min` and `max` of two. A number is a `Number` or one that the script wrote. Curves go depth by depth and have the same depths. Tables are joined by
the axes that they share; a number or a curve goes with every value of a table. Maps go key by key. Nothing is computed yet.

```
let data = dataset("glyphs", #{ size: 7 });
let net = mlp::wide(49, 10, 5).init(#{ weight_var: 1.76, bias_var: 0.05 });
let found = cascade(net, data.train.take(200)).reconstruct(data.test.take(20));
let lost = 1 - found.explained_variance();
print(lost.len);    // 3
let grid = sweep([axis("x", [1, 2]), axis("y", [10, 20])]).map(|p| p.x * p.y);
let scale = sweep([axis("y", [10, 20])]).map(|p| p.y);
print((grid / scale).values());    // [1.0, 1.0, 2.0, 2.0]
print(max(grid, 15).values());     // [15, 20, 20, 40]
```

## comparison: == != < <= > >=
## Number < number -> bool
Compares two numbers, which are computed now; all six operators go with a `Number` on either side.

```
let data = dataset("glyphs", #{ size: 7 });
let net = mlp::wide(49, 10, 3).init(#{ weight_var: 1.76, bias_var: 0.05 });
print(net.accuracy(data.test.take(100)) < 0.5);    // true
```
"#;

/// The page of an operator that is a function; the others are in [`OPERATORS`].
fn page(name: &str) -> Option<&'static str> {
    match name {
        "min" => Some(
            "/// The lesser of two curves depth by depth, of two numbers, or of the values of two tables; NaN beside a NaN.\n\
             ///\n\
             /// ```\n\
             /// let grid = sweep([axis(\"x\", [1, 2, 3])]).map(|p| p.x);\n\
             /// print(min(grid, 2).values());    // [1, 2, 2]\n\
             /// ```",
        ),
        "max" => Some(
            "/// The greater of two curves depth by depth, of two numbers, or of the values of two tables; NaN beside a NaN.\n\
             ///\n\
             /// ```\n\
             /// let grid = sweep([axis(\"x\", [1, 2, 3])]).map(|p| p.x);\n\
             /// print(max(grid, 2).values());    // [2, 2, 3]\n\
             /// ```",
        ),
        _ => None,
    }
}

/// An operand of arithmetic: a curve, a `Number`, or a plain number.
fn operand(value: &Dynamic) -> Option<(Described, Option<Curve>)> {
    if let Some(curve) = value.read_lock::<Curve>() {
        return Some((curve.source.clone(), Some(curve.clone())));
    }
    if let Some(number) = value.read_lock::<Number>() {
        return Some((number.source.clone(), None));
    }
    number(value).map(|value| (derive(Derivation::Constant { value }, Vec::new()), None))
}

/// Arithmetic with two values, each a curve, a `Number`, a plain number, or a map of these.
fn arithmetic(operator: Operator, a: &Dynamic, b: &Dynamic) -> Result<Dynamic, Error> {
    if let Some(known) = known(operator, a, b) {
        return Ok(known);
    }
    if a.is_map() || b.is_map() {
        return by_key(operator, a, b);
    }
    let wrong =
        |value: &Dynamic| Error::new(format!("arithmetic goes with curves and numbers, not with {}", describe(value)));
    let (a, b) = (operand(a).ok_or_else(|| wrong(a))?, operand(b).ok_or_else(|| wrong(b))?);
    if let (Some(Curve { length: a, measured, .. }), Some(Curve { length: b, .. })) = (&a.1, &b.1)
        && a != b
    {
        return Err(Error::new(format!("curves of {a} and {b} {}s do not go together", measured.over)));
    }
    let source = derive(Derivation::Arithmetic { operator }, vec![a.0, b.0]);
    Ok(match a.1.or(b.1) {
        Some(curve) => Dynamic::from(Curve { source, measured: curve.measured.changed(), ..curve }),
        None => Dynamic::from(Number { source, quantity: "" }),
    })
}

/// Arithmetic with numbers that are known. Whole ones stay whole where the result is, and a quotient keeps its remainder.
fn known(operator: Operator, a: &Dynamic, b: &Dynamic) -> Option<Dynamic> {
    let whole = || {
        let (a, b) = (a.as_int().ok()?, b.as_int().ok()?);
        match operator {
            Operator::Add => a.checked_add(b),
            Operator::Subtract => a.checked_sub(b),
            Operator::Multiply => a.checked_mul(b),
            Operator::Divide => None,
            Operator::Power => a.checked_pow(u32::try_from(b).ok()?),
            Operator::Min => Some(a.min(b)),
            Operator::Max => Some(a.max(b)),
        }
    };
    if let Some(whole) = whole() {
        return Some(Dynamic::from_int(whole));
    }
    Some(Dynamic::from_float(operator.apply(number(a)?, number(b)?)))
}

/// Arithmetic with maps, key by key; one of the two can be no map, and goes with every key.
fn by_key(operator: Operator, a: &Dynamic, b: &Dynamic) -> Result<Dynamic, Error> {
    let (of_a, of_b) = (a.read_lock::<Map>(), b.read_lock::<Map>());
    let one = |name: &str| -> Result<Dynamic, Error> {
        let value = |map: Option<&Map>, whole: &Dynamic| match map {
            None => Ok(whole.clone()),
            Some(map) => map.get(name).cloned().ok_or_else(|| {
                Error::new(format!("one of two maps has no \"{name}\""))
                    .hint("choose a column of a table: `.column(\"…\")`")
            }),
        };
        arithmetic(operator, &value(of_a.as_deref(), a)?, &value(of_b.as_deref(), b)?)
    };
    let names: BTreeSet<Identifier> =
        [&of_a, &of_b].into_iter().flatten().flat_map(|map| map.keys().cloned()).collect();
    let map: Map = names.into_iter().map(|name| one(&name).map(|value| (name, value))).collect::<Result<_, Error>>()?;
    Ok(map.into())
}

/// Two tables, joined by the axes that both have. Says what one of them lacks: holes of the result, or else left out.
pub(super) fn joined(context: &NativeCallContext<'_>, a: &Table, b: &Table, lacking: Lacking) -> Native<Joined> {
    let session = Session::from_context(context)?;
    let joined = Joined::new(a, b, lacking, session.settings.limits.points)?;
    joined.holes.iter().for_each(|holes| session.warn_at(context, holes.clone()));
    Ok(joined)
}

/// Arithmetic with a table on one side or on both.
fn of_tables(context: &NativeCallContext<'_>, operator: Operator, a: &Dynamic, b: &Dynamic) -> Native<Table> {
    let one = |table: &Table, f: &dyn Fn(&Dynamic) -> Result<Dynamic, Error>| {
        let rows = table.rows.iter().map(|row| (row.point.clone(), row.value.clone()));
        for_each_row(context, table.axes.clone(), rows, |_, value| Ok(f(&value)?))
    };
    match (a.read_lock::<Table>(), b.read_lock::<Table>()) {
        (Some(a), Some(b)) => {
            let joined = joined(context, &a, &b, Lacking::Holes)?;
            for_each_row(context, joined.axes.clone(), joined.values(&a, &b), |_, (a, b)| {
                Ok(arithmetic(operator, &a, &b)?)
            })
        }
        (Some(a), None) => one(&a, &|value| arithmetic(operator, value, b)),
        (None, Some(b)) => one(&b, &|value| arithmetic(operator, a, value)),
        (None, None) => Err(Error::new("no table").into()),
    }
}

/// Adds a function of every pair of types to a module.
macro_rules! pairs {
    ($module:ident, $name:ident, $context:ident, $a:ident, $b:ident, $result:ty, $body:expr; $($of_a:ty, $of_b:ty;)*) => {$(
        FuncRegistration::new($name).with_comments(page($name)).in_global_namespace().set_into_module(
            &mut $module,
            move |$context: NativeCallContext, $a: $of_a, $b: $of_b| -> Native<$result> {
                let ($a, $b) = (Dynamic::from($a), Dynamic::from($b));
                $body
            },
        );
    )*};
}

pub(super) fn register(engine: &mut Engine) {
    let mut module = Module::new();
    let operators = [
        ("+", Operator::Add),
        ("-", Operator::Subtract),
        ("*", Operator::Multiply),
        ("/", Operator::Divide),
        ("**", Operator::Power),
        ("min", Operator::Min),
        ("max", Operator::Max),
    ];
    for (name, operator) in operators {
        pairs! {
            module, name, _context, a, b, Dynamic, Ok(arithmetic(operator, &a, &b)?);
            Curve, Curve; Curve, Number; Curve, FLOAT; Curve, INT; Number, Curve; FLOAT, Curve; INT, Curve;
            Number, Number; Number, FLOAT; Number, INT; FLOAT, Number; INT, Number;
        }
        pairs! {
            module, name, context, a, b, Table, of_tables(&context, operator, &a, &b);
            Table, Table; Table, Curve; Table, Number; Table, FLOAT; Table, INT;
            Curve, Table; Number, Table; FLOAT, Table; INT, Table;
        }
    }
    macro_rules! negated {
        ($($of:ty, $f:expr;)*) => {$(
            FuncRegistration::new("-").in_global_namespace().set_into_module(
                &mut module,
                move |context: NativeCallContext, value: $of| $f(&context, &Dynamic::from_int(-1), &Dynamic::from(value)),
            );
        )*};
    }
    let plain = |_: &NativeCallContext<'_>, a: &Dynamic, b: &Dynamic| -> Native<Dynamic> {
        Ok(arithmetic(Operator::Multiply, a, b)?)
    };
    let tables =
        |context: &NativeCallContext<'_>, a: &Dynamic, b: &Dynamic| of_tables(context, Operator::Multiply, a, b);
    negated! { Curve, plain; Number, plain; Table, tables; }
    type Compare = fn(&f64, &f64) -> bool;
    let comparisons: [(&str, Compare); 6] =
        [("<", f64::lt), ("<=", f64::le), (">", f64::gt), (">=", f64::ge), ("==", f64::eq), ("!=", f64::ne)];
    for (name, compare) in comparisons {
        pairs! {
            module, name, context, a, b, bool, Ok(compare(&plain_number(&context, &a)?, &plain_number(&context, &b)?));
            Number, Number; Number, FLOAT; Number, INT; FLOAT, Number; INT, Number;
        }
    }
    engine.register_global_module(module.into());
}

/// A number now, whether it has to be computed or not.
fn plain_number(context: &NativeCallContext<'_>, value: &Dynamic) -> Native<f64> {
    match value.read_lock::<Number>() {
        Some(number) => value_of(context, &number),
        None => Ok(wanted_number(value, "what is compared")?),
    }
}
