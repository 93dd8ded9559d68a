package cast

import (
	"regexp"
	"strings"
	"testing"
)

func TestFilter(t *testing.T) {
	const st = "\x1b\\"
	same := []string{
		"plain text, é€😀\r\n\t\b\a", "\x1b[1;31mred\x1b[0m", "\x1b[38:2:1:2:3m\x1b[38;5;1m", "\x1b[H\x1b[2J\x1b[?J\x1b[10;20H\x1b[3A\x1b[K",
		"\x1b[?25l\x1b[?25h\x1b[?1049h\x1b[?1049l\x1b[4h\x1b[4l\x1b[?2026h", "\x1b7\x1b8\x1bM\x1bD\x1bE", "\x1b(0qqq\x1b(B\x0e\x0f", "\x1b#8",
		"\x1b[2;10r\x1b[2T\x1b[s\x1b[u\x1b[5b", "\x1b[4 q\x1b[!p", "\x1b]0;title" + st, "\x1b]2;é" + st, "\x1b]8;;https://example.org" + st + "here\x1b]8;;" + st,
	}
	for _, s := range same {
		if got := filtered(s); got != s {
			t.Errorf("Filter(%q) = %q, want the same", s, got)
		}
	}
	gone := []string{
		"\x05", "\x00", "\x11\x13\x7f", "\x1b[c", "\x1b[0c", "\x1b[>c", "\x1b[=c", "\x1bZ", "\x1b[5n", "\x1b[6n", "\x1b[?6n", "\x1b[?996n", "\x1b[?1$p", "\x1b[4$p", "\x1b[x", "\x1b[1;1;1;1;1;1*y",
		"\x1b[>q", "\x1b[>0q", "\x1b[?u", "\x1b[>1u", "\x1b[<u", "\x1b[=1u", "\x1b[?1;1S", "\x1b[?4m", "\x1b[>4;2m", "\x1b[18t", "\x1b[14t", "\x1b[21t", "\x1b[8;10;10t", "\x1b[22;0t",
		"\x1b[?1000h\x1b[?1002h\x1b[?1003h\x1b[?1006h\x1b[?1004h\x1b[?2004h\x1b[?1h\x1b[?3h\x1b[20h\x1b[2h\x1b[?2048h\x1b[?2031h\x1b[?9h\x1b[?66h\x1b[?1007h", "\x1b=\x1b>", "\x1b[1;1;1;1;1T", "\x1b[?1r\x1b[?1s",
		"\x1bP$qm" + st, "\x1bP+q544e" + st, "\x1bPq#0;2;0;0;0" + st, "\x1b_Gi=1,a=q;AAAA" + st, "\x1b^x" + st, "\x1bXx" + st, "\x1bkscreen" + st, "\x1bPtmux;\x1b\x1b[c" + st,
		"\x1b]52;c;?" + st, "\x1b]52;c;aGk=\a", "\x1b]10;?" + st, "\x1b]11;?\a", "\x1b]4;1;?" + st, "\x1b]4;1;#fff" + st, "\x1b]7;file:///" + st, "\x1b]9;hi" + st, "\x1b]777;notify" + st, "\x1b]1337;File=:AA" + st,
		"\x1b]133;A" + st, "\x1b]l" + st, "\x1b]0" + st, "\x1b]00;x" + st, "\x1b%@", "\x1b G", "\x1b F", "\x1b(K", "\x1bH", "\x1b[3g", "\x1b[5i", "\x1b[?5i", "\x1b[1q", "\x1bn\x1bo\x1b|", "\x1bl\x1bm",
		"\u009bc", "\u009d52;c;?\u009c", "\u0090$qm\u009c", "\u0085"[:0], "\x1b[1", "\x1b]0;never ends", "\x1b", "\x1bP", "\x1b[c\x18\x1a", "\x1b[6\x18", "\x1b\x1b\x1b[6n", "\x1b[\x1b[6n", "\x1b]0;x\x1b[6n",
		"\x1b[" + strings.Repeat("1;", maxSeq) + "m", "\x1b]0;" + strings.Repeat("x", maxSeq) + st,
	}
	for _, s := range gone {
		if got := filtered(s); got != "" {
			t.Errorf("Filter(%q) = %q, want nothing", s, got)
		}
	}
	tests := []struct{ in, want string }{
		{"a\x1b[?25;1000;7hb", "a\x1b[?25h\x1b[?7hb"},
		{"\x1b[1\r\nm", "\r\n\x1b[1m"}, // as terminals do it
		{"\x1b[6né", "é"},
		{"\x1b[6én", "én"},
		{"\u009b1m", "\x1b[1m"},
		{"\u0085", "\x1bE"},
		{"\x1b]0;t\a", "\x1b]0;t\x1b\\"},
		{"\x1b]0;t\u009c", "\x1b]0;t\x1b\\"},
		{"\x1b]0;a\nb\x05c\a", "\x1b]0;abc\x1b\\"},
		{"\x1b]0;t\x1b[1mx", "\x1b[1mx"},
		{"\x1b[1m\x1bcx", "\x1b[1m\x1b[0m\x1b[H\x1b[2Jx"},
		{"£©", "£©"},
	}
	for _, tt := range tests {
		if got := filtered(tt.in); got != tt.want {
			t.Errorf("Filter(%q) = %q, want %q", tt.in, got, tt.want)
		}
	}
}

func filtered(s string) string {
	var f Filter
	return string(f.Append(nil, s))
}

func TestFilterEnd(t *testing.T) {
	tests := []struct{ in, want string }{
		{"text\x1b[H\x1b7", ""},
		{"\x1b[1m", "\x1b[0m"},
		{"\x1b[?25l\x1b[2 q", "\x1b[?25h\x1b[?12l\x1b[0 q"},
		{"\x1b[?1049h\x1b[5;10r", "\x1b[?6l\x1b[?69l\x1b[r\x1b[999;1H\x1b[?1049l"},
		{"\x1b[?1049h\x1b[?1049l", ""},
		{"\x1b(0", "\x0f\x1b(B"},
		{"\x0e", "\x0f\x1b(B"},
		{"\x1b[?7l", "\x1b[4l\x1b[?5l\x1b[?7h\x1b[?45l\x1b[?2026l"},
		{"\x1b]8;;x\a", "\x1b]8;;\x1b\\"},
		{"\x1b[", ""},
	}
	for _, tt := range tests {
		var f Filter
		f.Append(nil, tt.in)
		if got := string(f.End(nil)); got != tt.want {
			t.Errorf("after %q: End = %q, want %q", tt.in, got, tt.want)
		}
		if got := string(f.End(nil)) + string(f.Append(nil, "m")); got != "m" {
			t.Errorf("after %q and End: %q", tt.in, got)
		}
	}
}

// drawing is all that may come out of a Filter.
var drawing = regexp.MustCompile(`^(?:[^\x00-\x06\x10-\x1f\x7f\x{80}-\x{9f}]|\x1b[78DEM]|\x1b[()*+][0B]|\x1b#[34568]|\x1b\[!p|\x1b\[\d? q` +
	`|\x1b\[[\d;:]*[@A-HI-MPSTXZ` + "`" + `abdefmrsu]|\x1b\[\?[\d;:]*[JK]|\x1b\[4[hl]|\x1b\[\?(5|6|7|12|25|45|47|69|1047|1048|1049|2026)[hl]` +
	`|\x1b\][0128];[^\x00-\x1f\x7f\x{80}-\x{9f}]*\x1b\\)*$`)

func FuzzFilter(f *testing.F) {
	f.Add("a\x1b[?25;1000hb\x1b]52;c;?\x07\x1bP$qm\x1b\\é\u009bc", 3)
	f.Add("\x1b]0;x\x1b\\\x1b[>c\xc2\x1b[6n", 1)
	f.Fuzz(func(t *testing.T, in string, n int) {
		in = strings.ToValidUTF8(in, replacement) // as a Reader gives it
		got := filtered(in)
		if !drawing.MatchString(got) {
			t.Errorf("Filter(%q) = %q", in, got)
		}
		if again := filtered(got); again != got {
			t.Errorf("Filter(%q) = %q, and again %q", in, got, again)
		}
		n = max(1, n%7)
		var parts Filter
		var out []byte
		for p := in; len(p) > 0; p = p[min(n, len(p)):] {
			out = parts.Append(out, p[:min(n, len(p))])
		}
		if string(out) != got {
			t.Errorf("Filter(%q) = %q, in parts of %d %q", in, got, n, out)
		}
		if len(parts.seq) > maxSeq {
			t.Errorf("%d bytes kept", len(parts.seq))
		}
	})
}
