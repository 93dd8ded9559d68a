package screen

import (
	"fmt"
	"strings"
	"testing"
)

// sizeOf is the size that ends a recording's name, ROWSxCOLS.
func sizeOf(t *testing.T, name string) (rows, cols int) {
	t.Helper()
	if _, err := fmt.Sscanf(name[strings.LastIndex(name, ".")+1:], "%dx%d", &rows, &cols); err != nil {
		t.Fatalf("%s: %v", name, err)
	}
	return rows, cols
}

// look is how a line looks: base characters, and styles as far as styled, column by column.
func look(s *Screen, y, styled int) string {
	var b strings.Builder
	r := &s.g.rows[y]
	pen := cell{}
	for x := range s.cols {
		c := r.at(x).plain(&s.store)
		if p := c.pen(); p != pen && x < styled {
			fmt.Fprintf(&b, "{%v}", s.style(p))
			pen = p
		}
		text := []rune(string(s.store.appendText(nil, c)))
		if len(text) > 0 {
			b.WriteRune(text[0]) // tmux keeps fewer code points in a cell
		}
	}
	return b.String()
}
