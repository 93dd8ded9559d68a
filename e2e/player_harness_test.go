//go:build linux

package e2e

import (
	"bytes"
	"encoding/json"
	"fmt"
	"io"
	"net/http"
	"net/http/httptest"
	"os"
	"path/filepath"
	"slices"
	"strings"
	"testing"

	"github.com/google/go-cmp/cmp"

	"github.com/ptsns/ptsns/cast"
	"github.com/ptsns/ptsns/internal/chromium"
	"github.com/ptsns/ptsns/screen"
)

// playerDir is where scripts/deps.sh puts the version of the asciinema player that
// testdata/player names.
func playerDir(t *testing.T) string {
	t.Helper()
	text, err := os.ReadFile("testdata/player/package.json")
	if err != nil {
		t.Fatal(err)
	}
	var wanted struct{ Dependencies map[string]string }
	if err := json.Unmarshal(text, &wanted); err != nil {
		t.Fatal(err)
	}
	cache, err := os.UserCacheDir()
	dir := filepath.Join(cache, "ptsns-tests", "player-"+wanted.Dependencies["asciinema-player"],
		"node_modules", "asciinema-player", "dist", "bundle")
	if err == nil {
		_, err = os.Stat(filepath.Join(dir, "asciinema-player.min.js"))
	}
	if err != nil {
		reason := fmt.Sprintf("needs asciinema-player %s, which scripts/deps.sh installs: %v", wanted.Dependencies["asciinema-player"], err)
		if os.Getenv("PTSNS_REQUIRE") == "1" {
			t.Fatal(reason)
		}
		t.Skip(reason)
	}
	return dir
}

// played is what the player made of a recording.
type played struct {
	Rows [][]struct { // by row its texts
		Col  int
		Text string
	}
	Cols    int
	Markers []string
	Input   string
}

// play plays a recording to its end.
func play(t *testing.T, b *chromium.Browser, player string, file []byte) (got played) {
	t.Helper()
	mux := http.NewServeMux()
	mux.Handle("/dist/", http.StripPrefix("/dist/", http.FileServer(http.Dir(player))))
	mux.HandleFunc("/recording.cast", func(w http.ResponseWriter, _ *http.Request) {
		_, _ = w.Write(file) // what fails the page tells
	})
	mux.HandleFunc("/{$}", func(w http.ResponseWriter, r *http.Request) {
		http.ServeFile(w, r, "testdata/player/page.html")
	})
	server := httptest.NewServer(mux)
	t.Cleanup(server.Close)
	p := b.Open(t, server.URL)
	p.Await("told.ended || failed()")
	var problems []string
	p.Eval("told.problems.concat([...document.querySelectorAll('.ap-overlay-error')].map(e => e.textContent))", &problems)
	if len(problems) > 0 {
		t.Errorf("the player tells %q", problems)
	}
	p.Eval("shown().then(shown => ({ ...shown, markers: told.markers, input: told.input }))", &got)
	ownProblems(t, p, "")
	return got
}

// text is what got shows, a line a row.
func (got played) text() []string {
	s := screen.New(len(got.Rows), got.Cols, screen.Options{})
	for y, row := range got.Rows {
		for _, span := range row {
			s.Write(fmt.Appendf(nil, "\x1b[%d;%dH%s", y+1, span.Col+1, span.Text))
		}
	}
	return lines(s)
}

// lines is the text of a screen.
func lines(s *screen.Screen) (all []string) {
	for _, line := range s.Snapshot().Lines {
		all = append(all, line.Text)
	}
	return all
}

// checkPlayed plays a recording and compares that with what package screen makes of its
// output. It returns that screen.
func checkPlayed(t *testing.T, b *chromium.Browser, player string, file []byte) []string {
	t.Helper()
	reader, err := cast.NewReader(bytes.NewReader(file))
	if err != nil {
		t.Fatal(err)
	}
	h := reader.Header()
	s, cols := screen.New(h.Rows, h.Cols, screen.Options{}), h.Cols
	var markers []string
	input := ""
	for {
		e, err := reader.Next()
		if err == io.EOF {
			break
		}
		if err != nil {
			t.Fatal(err)
		}
		switch e.Code {
		case cast.Output:
			s.Write([]byte(e.Data))
		case cast.Resize:
			rows, c, _ := e.Size()
			s.Resize(rows, c)
			cols = c
		case cast.Marker:
			markers = append(markers, e.Data)
		case cast.Input:
			input += e.Data
		}
	}
	got, want := play(t, b, player, file), lines(s)
	if diff := cmp.Diff(want, got.text()); diff != "" {
		t.Errorf("the player shows something else (-screen +player):\n%s", diff)
	}
	if got.Cols != cols {
		t.Errorf("the player has %d columns, want %d", got.Cols, cols)
	}
	if !slices.Equal(got.Markers, markers) {
		t.Errorf("the player has the markers %q, want %q", got.Markers, markers)
	}
	if got.Input != input {
		t.Errorf("the player has the input %q, want %q", got.Input, input)
	}
	return want
}

// checkShown tells what is not in lines.
func checkShown(t *testing.T, lines []string, wanted ...string) {
	t.Helper()
	all := strings.Join(lines, "\n")
	for _, want := range wanted {
		if !strings.Contains(all, want) {
			t.Errorf("%q is not shown in\n%s", want, all)
		}
	}
}
