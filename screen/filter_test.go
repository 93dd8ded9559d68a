package screen

import (
	"strings"
	"testing"
	"unicode/utf8"

	"github.com/google/go-cmp/cmp"
)

func TestFilter(t *testing.T) {
	gone := map[string]string{
		"primary attributes":   "\x1b[c\x1b[0c",
		"secondary, tertiary":  "\x1b[>c\x1b[=c",
		"status, position":     "\x1b[5n\x1b[6n\x1b[?6n\x1b[?996n",
		"mode requests":        "\x1b[?2026$p\x1b[4$p",
		"settings (DECRQSS)":   "\x1bP$qm\x1b\\",
		"XTGETTCAP":            "\x1bP+q544e\x1b\\",
		"user-defined keys":    "\x1bP0;1|17/41\x1b\\",
		"XTVERSION":            "\x1b[>q\x1b[>0q",
		"windows":              "\x1b[14t\x1b[18t\x1b[21t\x1b[8;50;100t\x1b[3;1;1t",
		"answerback":           "\x05",
		"DECID":                "\x1bZ",
		"C1 DECID, CSI, DCS":   "\u009a\u009b6n\u0090+q544e\u009c",
		"clipboard":            "\x1b]52;c;?\x07\x1b]52;c;aGk=\x1b\\",
		"colour queries":       "\x1b]11;?\x07\x1b]4;1;?\x1b\\\x1b]10;?\u009c",
		"notifications":        "\x1b]9;hi\x07\x1b]777;notify;a;b\x07\x1b]99;;hi\x1b\\",
		"iTerm files":          "\x1b]1337;File=inline=1:AAAA\x07",
		"working directory":    "\x1b]7;file://h/d\x07",
		"kitty graphics":       "\x1b_Gi=1,t=f;L2V0Yy9wYXNzd2Q=\x1b\\",
		"kitty keyboard":       "\x1b[?u\x1b[>1u\x1b[=1u",
		"checksum (DECRQCRA)":  "\x1b[1;1;1;1;2;2*y",
		"printing":             "\x1b[5i\x1b[i\x1b[?5i",
		"mouse and focus":      "\x1b[?1000h\x1b[?1002;1006h\x1b[?1004h\x1b[?2048;2031h",
		"columns":              "\x1b[?3h\x1b[?40h",
		"modifyOtherKeys":      "\x1b[>4;2m\x1b[?4m",
		"terminal parameters":  "\x1b[x\x1b[1x",
		"presentation reports": "\x1b[1$w\x1b[&u\x1b[1$u",
		"locators":             "\x1b['|\x1b[1'z",
		"graphics attributes":  "\x1b[?1;1S",
		"leaving UTF-8":        "\x1b%@\x1b F\x1b G",
		"too long":             "\x1b]0;" + strings.Repeat("x", 5000) + "\x07",
		"tmux passthrough":     "\x1bPtmux;\x1b\x1b[6n\x1b\\",
	}
	for name, output := range gone {
		want := ""
		if name == "tmux passthrough" { // the inner ESC ends the string, for terminals too
			want = ""
		}
		if got := filtered(output); got != want {
			t.Errorf("%s: %q leaves %q, want %q", name, output, got, want)
		}
	}
	stays := []string{
		"text\r\n\t\b\a", "日本語 é 👨\u200d👩", "\x1b[1;31mred\x1b[m", "\x1b[4:3;58:2::1:2:3m", "\x1b[H\x1b[2J\x1b[3;4r",
		"\x1b[?1049h\x1b[?25l", "\x1b7\x1b8\x1bM\x1b=\x1b>", "\x1b(0lqk\x1b(B", "\x1b]0;title\x1b\\", "\x1b]8;id=1;http://example.org/\x1b\\x\x1b]8;;\x1b\\",
		"\x1b[2 q", "\x1b]11;#000000\x1b\\", "\x1b[;5H", "\x1b[38;2;1;2;3m", "\x1b#8", "\x1b[!p",
	}
	for _, output := range stays {
		if got := filtered(output); got != output {
			t.Errorf("%q becomes %q", output, got)
		}
	}
	changed := map[string]string{
		"\x1b[?1049;1000;25h": "\x1b[?1049;25h",
		"\x1b[3\n;4H":         "\n\x1b[3;4H",
		"a\x9bb":              "a\ufffdb",
		"\u009b31mred":        "\x1b[31mred",
		"\x1b]2;t\x07":        "\x1b]2;t\x1b\\",
	}
	for output, want := range changed {
		if got := filtered(output); got != want {
			t.Errorf("%q becomes %q, want %q", output, got, want)
		}
	}
}

func filtered(output string) string {
	var f Filter
	return string(f.Append(nil, []byte(output)))
}

// What programs paint is the same behind the filter.
func TestFilterKeepsTheScreen(t *testing.T) {
	for name, b := range outputs(t) {
		rows, cols := sizeOf(t, name)
		whole, seen := New(rows, cols, Options{}), New(rows, cols, Options{})
		whole.Write(b)
		seen.Write([]byte(filtered(string(b))))
		if diff := cmp.Diff(whole.Snapshot().Lines, seen.Snapshot().Lines); diff != "" {
			t.Errorf("%s (-want +got):\n%s", name, diff)
		}
	}
}

func FuzzFilter(f *testing.F) {
	f.Add([]byte("\x1b[1;2\x1bP$q\x1b\\\xc2\x9b6n\xe6\x9c\xac\x1b]52;c;?\x07"), 3)
	f.Fuzz(func(t *testing.T, output []byte, cut int) {
		want := filtered(string(output))
		cut = min(max(cut, 0), len(output))
		var p Filter
		got := p.Append(nil, output[:cut])
		if got = p.Append(got, output[cut:]); string(got) != want {
			t.Fatalf("cut in two: %q, want %q", got, want)
		}
		if !utf8.ValidString(want) {
			t.Fatalf("%q is not UTF-8", want)
		}
		if again := filtered(want); again != want {
			t.Fatalf("%q filtered again: %q", want, again)
		}
		for _, bad := range []string{"\x05", "\x1bP", "\x1b_", "\x1b^", "\x1bX", "\x1bZ", "\x1b]52", "\x1b[c", "\x1b[6n", "\u009b", "\u0090"} {
			if strings.Contains(want, bad) {
				t.Fatalf("%q is left in %q", bad, want)
			}
		}
	})
}
