package main

import (
	"fmt"
	"strconv"
	"strings"

	"github.com/ptsns/ptsns/screen"
)

// sgrOf are the parameters of SGR that switch on what package screen calls so.
var sgrOf = map[string]string{
	"bold": "1", "faint": "2", "italic": "3", "blink": "5", "inverse": "7", "hidden": "8", "strike": "9", "overline": "53",
	"underline": "4", "double-underline": "21", "curly-underline": "4:3", "dotted-underline": "4:4", "dashed-underline": "4:5",
}

// ansi is a screen as lines of text with SGR, blank lines at the end cut. It moves no
// cursor and sets no mode: it can be printed anywhere.
func ansi(s screen.Snapshot) string {
	var b strings.Builder
	blank := 0 // bytes up to the end of the last line that is not
	for i, l := range s.Lines {
		if i > 0 {
			b.WriteByte('\n')
		}
		if l.Spans == nil {
			b.WriteString(l.Text)
		}
		for _, span := range l.Spans {
			sgr := sgr(span.Style)
			b.WriteString(sgr + span.Text)
			if sgr != "" {
				b.WriteString("\x1b[m")
			}
		}
		if l.Fill != "" {
			b.WriteString(sgr(screen.Style{Bg: l.Fill}) + "\x1b[K\x1b[m")
		}
		if l.Text != "" || l.Spans != nil || l.Fill != "" {
			blank = b.Len()
		}
	}
	return b.String()[:blank]
}

// sgr switches a style on, from none.
func sgr(s screen.Style) string {
	var p []string
	for _, a := range s.Attrs {
		if n := sgrOf[a]; n != "" {
			p = append(p, n)
		}
	}
	for i, c := range []string{s.Fg, s.Bg, s.UnderlineColor} {
		base := [...]int{38, 48, 58}[i]
		var r, g, b int
		if n, _ := fmt.Sscanf(c, "#%02x%02x%02x", &r, &g, &b); n == 3 {
			p = append(p, fmt.Sprintf("%d;2;%d;%d;%d", base, r, g, b)) // which more terminals know than the form with colons
		} else if _, err := strconv.Atoi(c); err == nil {
			p = append(p, fmt.Sprintf("%d;5;%s", base, c))
		}
	}
	if p == nil {
		return ""
	}
	return "\x1b[" + strings.Join(p, ";") + "m"
}
