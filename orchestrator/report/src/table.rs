//! Aligned columns for people. Cells are neutralised here, so that no caller can forget it.

use console::measure_text_width;

use crate::text;

/// Rows under a heading; columns as wide as their widest cell.
#[derive(Debug, Default)]
pub struct Table {
    head: Vec<String>,
    rows: Vec<Vec<String>>,
    right: Vec<usize>,
}

impl Table {
    /// A table with these headings.
    pub fn new<'a>(head: impl IntoIterator<Item = &'a str>) -> Self {
        Self {
            head: head.into_iter().map(str::to_owned).collect(),
            ..Self::default()
        }
    }

    /// Aligns these columns (from 0) to the right: numbers.
    #[must_use]
    pub fn right(mut self, columns: impl IntoIterator<Item = usize>) -> Self {
        self.right.extend(columns);
        self
    }

    /// Adds a row; missing cells are empty.
    pub fn row<S: AsRef<str>>(&mut self, cells: impl IntoIterator<Item = S>) {
        self.rows.push(
            cells
                .into_iter()
                .map(|cell| text::neutral(cell.as_ref()).into_owned())
                .collect(),
        );
    }

    /// True without rows.
    pub fn is_empty(&self) -> bool {
        self.rows.is_empty()
    }

    /// The text, each line ended, no trailing blanks.
    pub fn render(&self) -> String {
        let columns = self
            .rows
            .iter()
            .map(Vec::len)
            .chain([self.head.len()])
            .max()
            .unwrap_or(0);
        let widths: Vec<usize> = (0..columns)
            .map(|column| {
                let cells = self
                    .rows
                    .iter()
                    .chain([&self.head])
                    .filter_map(|row| row.get(column));
                cells
                    .map(|cell| measure_text_width(cell))
                    .max()
                    .unwrap_or(0)
            })
            .collect();
        let mut out = String::new();
        for row in [&self.head]
            .into_iter()
            .filter(|head| !head.is_empty())
            .chain(&self.rows)
        {
            let mut line = String::new();
            for (column, width) in widths.iter().enumerate() {
                let cell = row.get(column).map_or("", String::as_str);
                let blanks = " ".repeat(width - measure_text_width(cell));
                if column > 0 {
                    line.push_str("  ");
                }
                let right = self.right.contains(&column);
                line.push_str(if right { &blanks } else { cell });
                line.push_str(if right { cell } else { &blanks });
            }
            out.push_str(line.trim_end());
            out.push('\n');
        }
        out
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn columns_line_up_and_cells_are_neutral() {
        let mut table = Table::new(["HOST", "N"]).right([1]);
        table.row(["pc-0001", "7"]);
        table.row(["名\u{1b}[0m", "12"]);
        assert_eq!(
            table.render(),
            "HOST            N\npc-0001         7\n名<U+001B>[0m  12\n"
        );
    }
}
