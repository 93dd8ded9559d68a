package screen

// row is a line of the screen. Its cells from used on are blanks of the colour fill, and are
// not stored: an erased line costs nothing, and a line that never held anything has no cells.
type row struct {
	cells   []cell // nil, or as long as the screen is wide; what is past used means nothing
	used    int
	fill    color
	wrapped bool // the text goes on in the next line
}

// grid is one of the two screens, main and alternate.
type grid struct {
	rows  []row
	saved cursor // DECSC
	kitty []uint8
}

// cursor is what DECSC saves.
type cursor struct {
	x, y     int
	pending  bool // the last column is written, the next character wraps
	origin   bool
	pen      cell
	charsets charsets
}

// reach makes the first n cells of a row real.
func (r *row) reach(n, cols int) {
	if n <= r.used {
		return
	}
	if r.cells == nil {
		r.cells = make([]cell, cols)
	}
	blank := cell{bg: r.fill}
	for i := r.used; i < n; i++ {
		r.cells[i] = blank
	}
	r.used = n
}

// at is the cell of a column, real or not.
func (r *row) at(x int) cell {
	if x < r.used {
		return r.cells[x]
	}
	return cell{bg: r.fill}
}

// split blanks both halves of a wide character that a cut left of column x would tear.
func (r *row) split(x int) {
	if x > 0 && x < r.used && r.cells[x].attr&spacer != 0 {
		r.cells[x-1], r.cells[x] = cell{}, cell{}
	}
}

// erase blanks the columns from up to to in colour bg.
func (r *row) erase(from, to, cols int, bg color) {
	if from >= to {
		return
	}
	r.split(from)
	r.split(to)
	if to >= cols {
		r.wrapped = false
		if from == 0 || r.fill == bg {
			r.used, r.fill = min(r.used, from), bg
			return
		}
		r.reach(from, cols)
		r.used, r.fill = from, bg
		return
	}
	if from >= r.used && r.fill == bg {
		return
	}
	r.reach(to, cols)
	blank := cell{bg: bg}
	for i := from; i < to; i++ {
		r.cells[i] = blank
	}
}

// insert shifts the columns from x up to right by n to the right, erasing in colour bg.
func (r *row) insert(x, right, n, cols int, bg color) {
	n = min(n, right-x)
	r.split(x)
	r.split(right)
	if x >= r.used && r.fill == bg {
		return
	}
	r.split(right - n)
	r.reach(right, cols)
	copy(r.cells[x+n:right], r.cells[x:right-n])
	blankCells(r.cells[x:x+n], bg)
}

// remove takes n columns out at x, shifting those up to right to the left.
func (r *row) remove(x, right, n, cols int, bg color) {
	n = min(n, right-x)
	r.split(x)
	r.split(x + n)
	r.split(right)
	if x >= r.used && r.fill == bg {
		return
	}
	r.reach(right, cols)
	copy(r.cells[x:right-n], r.cells[x+n:right])
	blankCells(r.cells[right-n:right], bg)
}

func blankCells(c []cell, bg color) {
	for i := range c {
		c[i] = cell{bg: bg}
	}
}

// resize clips or extends a row. Cells beyond a narrower screen are gone.
func (r *row) resize(cols int) {
	if r.cells == nil {
		return
	}
	if len(r.cells) > cols {
		r.split(cols)
	}
	r.used = min(r.used, cols)
	cells := make([]cell, cols)
	copy(cells, r.cells[:r.used])
	r.cells = cells
	r.wrapped = false
}

// scrollRegion moves the lines of the rectangle up by n, down when n is negative, and
// blanks what comes in.
func (s *Screen) scrollRegion(top, bottom, left, right, n int) {
	rows := s.g.rows[top : bottom+1]
	n = max(-len(rows), min(n, len(rows)))
	if n == 0 {
		return
	}
	if left > 0 || right < s.cols-1 {
		s.scrollColumns(rows, left, right+1, n)
		return
	}
	if n > 0 {
		rotate(rows, n)
		rows = rows[len(rows)-n:]
	} else {
		rotate(rows, len(rows)+n)
		rows = rows[:-n]
	}
	for i := range rows {
		rows[i].used, rows[i].fill, rows[i].wrapped = 0, s.pen.bg, false
	}
}

// rotate moves rows up by n, the first ones to the end.
func rotate(rows []row, n int) {
	if n == 1 {
		first := rows[0]
		copy(rows, rows[1:])
		rows[len(rows)-1] = first
		return
	}
	if n == len(rows)-1 {
		last := rows[n]
		copy(rows[1:], rows)
		rows[0] = last
		return
	}
	reverse(rows[:n])
	reverse(rows[n:])
	reverse(rows)
}

func reverse(rows []row) {
	for i, j := 0, len(rows)-1; i < j; i, j = i+1, j-1 {
		rows[i], rows[j] = rows[j], rows[i]
	}
}

// scrollColumns scrolls within left and right margins: cells move, not lines.
func (s *Screen) scrollColumns(rows []row, left, end, n int) {
	for i := range rows {
		rows[i].split(left)
		rows[i].split(end)
		rows[i].reach(end, s.cols)
	}
	move := func(to int) {
		if from := to + n; from >= 0 && from < len(rows) {
			copy(rows[to].cells[left:end], rows[from].cells[left:end])
		} else {
			blankCells(rows[to].cells[left:end], s.pen.bg)
		}
	}
	if n > 0 {
		for to := range rows {
			move(to)
		}
		return
	}
	for to := len(rows) - 1; to >= 0; to-- {
		move(to)
	}
}
