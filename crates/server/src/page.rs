//! Pages of listings: how many items, and where they begin.

use engine::limits::{PAGE_DEFAULT, PAGE_MAX};

use crate::query::{Query, unusable};
use crate::wire::Problem;

/// How many items the caller wants.
pub(crate) fn limit(query: &Query) -> Result<usize, Problem> {
    let Some(text) = query.get("limit") else { return Ok(PAGE_DEFAULT) };
    match text.parse() {
        Ok(limit) if (1..=PAGE_MAX).contains(&limit) => Ok(limit),
        _ => Err(unusable("limit", text, &format!("a number from 1 to {PAGE_MAX}"))),
    }
}

/// Cuts what was read, one item more than `limit`, to a page. Gives where the next one begins, if
/// there is one.
pub(crate) fn cut<T>(
    items: &mut Vec<T>,
    limit: usize,
    cursor: impl Fn(&T) -> String,
) -> Option<String> {
    let has_more = items.len() > limit;
    items.truncate(limit);
    items.last().filter(|_| has_more).map(cursor)
}
