package main

import (
	"fmt"
	"strconv"
	"strings"

	"github.com/mattn/go-runewidth"
)

// topColumn is a column of a table.
type topColumn struct {
	head  string
	right bool // numbers are
	limit int  // columns of the screen, at most; 0: no limit
}

var (
	topNamespaceColumns = []topColumn{{"NAMESPACE", false, 24}, {"TERMINALS", true, 0}, {"VIEWERS", true, 0},
		{"IN/s", true, 0}, {"OUT/s", true, 0}, {"LOST", true, 0}, {"REFUSED", true, 0}, {"", false, 0}}
	topTerminalColumns = []topColumn{{"TERMINAL", false, 24}, {"FOREGROUND", false, 22}, {"OPENER", false, 22},
		{"IN/s", true, 0}, {"OUT/s", true, 0}, {"VIEWERS", true, 0}, {"LOST", true, 0}, {"SIZE", true, 0}, {"TITLE", false, 0}}
)

// cells are a namespace's, for topNamespaceColumns.
func (n topNamespace) cells(rates bool) []string {
	if n.Error != "" {
		return []string{printable(n.Name), "-", "-", "-", "-", "-", "-", printable(n.Error)}
	}
	return []string{printable(n.Name), strconv.Itoa(n.Terminals), strconv.Itoa(n.Viewers), rate(n.In, rates), rate(n.Out, rates),
		amount(float64(n.Lost)), strconv.FormatUint(n.Refused, 10), ""}
}

// cells are a terminal's, for topTerminalColumns.
func (t topTerminal) cells(rates bool) []string {
	return []string{printable(t.ID), procOrDash(t.Foreground), procOrDash(t.Opener), rate(t.In, rates), rate(t.Out, rates),
		strconv.Itoa(t.Viewers), amount(float64(t.Lost)), fmt.Sprintf("%dx%d", t.Rows, t.Cols), printable(t.Title)}
}

// rate is bytes a second, as far as they are known.
func rate(v float64, known bool) string {
	if !known {
		return "-"
	}
	return amount(v)
}

// amount is a number of bytes in four characters: 999, 1.0K, 12M.
func amount(v float64) string {
	const units = "KMGTPE"
	if v < 999.5 {
		return strconv.FormatFloat(v, 'f', 0, 64)
	}
	unit := -1
	for v >= 999.5 && unit+1 < len(units) {
		v /= 1024
		unit++
	}
	if v < 9.95 {
		return strconv.FormatFloat(v, 'f', 1, 64) + units[unit:unit+1]
	}
	return strconv.FormatFloat(v, 'f', 0, 64) + units[unit:unit+1]
}

// topWidths are those of a terminal, wherever we run: those of package screen.
var topWidths = &runewidth.Condition{StrictEmojiNeutral: true}

// cut makes s fit into so many columns of the screen, and marks where it was cut. A
// negative width is no limit.
func cut(s string, width int) string {
	if width < 0 || topWidths.StringWidth(s) <= width {
		return s
	}
	if width == 0 {
		return ""
	}
	return topWidths.Truncate(s, width, ">")
}

// topTable lays out rows of cells below their heads, two spaces between. No line is wider
// than width columns, unless that is negative.
func topTable(columns []topColumn, rows [][]string, width int) (head string, lines []string) {
	widths := make([]int, len(columns))
	for i, c := range columns {
		widths[i] = len(c.head)
		for _, row := range rows {
			w := topWidths.StringWidth(row[i])
			if c.limit > 0 && width >= 0 {
				w = min(w, c.limit)
			}
			widths[i] = max(widths[i], w)
		}
	}
	line := func(cell func(i int) string) string {
		var b strings.Builder
		for i, c := range columns {
			text := cell(i)
			if width >= 0 {
				text = cut(text, widths[i])
			}
			pad := strings.Repeat(" ", widths[i]-topWidths.StringWidth(text))
			if i > 0 {
				b.WriteString("  ")
			}
			if c.right {
				b.WriteString(pad + text)
			} else {
				b.WriteString(text + pad)
			}
		}
		return cut(strings.TrimRight(b.String(), " "), width)
	}
	for _, row := range rows {
		lines = append(lines, line(func(i int) string { return row[i] }))
	}
	return line(func(i int) string { return columns[i].head }), lines
}
