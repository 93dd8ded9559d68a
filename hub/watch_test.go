package hub

import (
	"context"
	"testing"

	"github.com/google/go-cmp/cmp"
	"github.com/ptsns/ptsns/screen"
)

// watcher is a viewer with a terminal of its own, on which everything is shown that the
// viewer gets.
type watcher struct {
	*Viewer
	screen *screen.Screen
	lost   uint64
	got    int // bytes
}

func watch(t *testing.T, term *Terminal, o ViewerOptions) *watcher {
	t.Helper()
	return &watcher{Viewer: join(t, term, o), screen: screen.New(int(o.Rows), int(o.Cols), screen.Options{})}
}

// until shows what comes until there is nothing more for now, or the end.
func (w *watcher) until(ctx context.Context) error {
	buf := make([]byte, 4096)
	for {
		n, lost, err := w.Next(ctx, buf)
		_, _ = w.screen.Write(buf[:n]) // never fails
		w.lost += lost
		w.got += n
		if err != nil {
			return err
		}
	}
}

// shows checks that the watcher's terminal shows text, all else aside.
func (w *watcher) shows(t *testing.T, want string) {
	t.Helper()
	if got := w.screen.Text(); got != want {
		t.Errorf("the viewer's screen:\n%s\nwant:\n%s", got, want)
	}
}

// showsAll checks that the watcher's terminal shows what is on the screen, as one that
// joins now would see it.
func (w *watcher) showsAll(t *testing.T, term *Terminal) {
	t.Helper()
	want := screen.New(int(w.rows), int(w.cols), screen.Options{})
	_, _ = want.Write(term.Repaint(w.rows, w.cols, false)) // never fails
	got, all := w.screen.Snapshot(), want.Snapshot()
	if diff := cmp.Diff(all.Lines, got.Lines); diff != "" {
		t.Errorf("(-want +got):\n%s", diff)
	}
	if diff := cmp.Diff(all.Cursor, got.Cursor); diff != "" {
		t.Errorf("(-want +got):\n%s", diff)
	}
}

// read has the opener of a tapped terminal read all there is.
func read(t *testing.T, term *Terminal) {
	t.Helper()
	buf := make([]byte, 64<<10)
	for {
		n, err := term.Read(buf)
		if n == 0 || err != nil {
			return
		}
	}
}
