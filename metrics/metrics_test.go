//go:build linux

package metrics

import (
	"context"
	"errors"
	"io"
	"net/http"
	"net/http/httptest"
	"strings"
	"sync/atomic"
	"testing"
	"testing/synctest"
	"time"

	"github.com/google/go-cmp/cmp"
	"github.com/prometheus/client_golang/prometheus/testutil"
	"github.com/ptsns/ptsns/hub"
	"github.com/ptsns/ptsns/parent"
	"github.com/ptsns/ptsns/server"
)

// listerFunc is a Lister in one function.
type listerFunc func(context.Context) ([]parent.Listed, error)

func (f listerFunc) List(ctx context.Context) ([]parent.Listed, error) { return f(ctx) }

// some are a busy namespace, an empty one and one that does not answer.
func some(context.Context) ([]parent.Listed, error) {
	viewer := func(door string) hub.ViewerInfo { return hub.ViewerInfo{Who: hub.Who{Door: door}} }
	return []parent.Listed{
		{State: server.State{Name: "vs1", Opened: 5, Refused: 2, BytesIn: 1 << 40, BytesOut: 17, BytesLost: 3, Terminals: []server.Terminal{
			{Viewers: []hub.ViewerInfo{viewer("local"), viewer("ssh"), viewer("ssh")}, Recordings: []string{"a.cast", "b.cast"}},
			{Viewers: []hub.ViewerInfo{viewer("web"), viewer("local"), viewer("\xff\"")}},
		}}},
		{State: server.State{Name: "vs2"}},
		{State: server.State{Name: "vs3", BytesIn: 99}, Error: "its server does not answer"},
	}, nil
}

const someText = `# HELP ptsns_recordings Recordings of the namespace's terminals that are being written now.
# TYPE ptsns_recordings gauge
ptsns_recordings{namespace="vs1"} 2
ptsns_recordings{namespace="vs2"} 0
# HELP ptsns_server_up Whether the server of the namespace answers. While it does not, there are no other metrics of the namespace.
# TYPE ptsns_server_up gauge
ptsns_server_up{namespace="vs1"} 1
ptsns_server_up{namespace="vs2"} 1
ptsns_server_up{namespace="vs3"} 0
# HELP ptsns_terminal_input_bytes_total Bytes typed at the namespace's terminals, those that have ended too.
# TYPE ptsns_terminal_input_bytes_total counter
ptsns_terminal_input_bytes_total{namespace="vs1"} 1.099511627776e+12
ptsns_terminal_input_bytes_total{namespace="vs2"} 0
# HELP ptsns_terminal_output_bytes_total Bytes of output of the namespace's terminals, those that have ended too.
# TYPE ptsns_terminal_output_bytes_total counter
ptsns_terminal_output_bytes_total{namespace="vs1"} 17
ptsns_terminal_output_bytes_total{namespace="vs2"} 0
# HELP ptsns_terminals Terminals that are open in the namespace now.
# TYPE ptsns_terminals gauge
ptsns_terminals{namespace="vs1"} 2
ptsns_terminals{namespace="vs2"} 0
# HELP ptsns_terminals_opened_total Terminals that were opened in the namespace and pass through ptsns.
# TYPE ptsns_terminals_opened_total counter
ptsns_terminals_opened_total{namespace="vs1"} 5
ptsns_terminals_opened_total{namespace="vs2"} 0
# HELP ptsns_terminals_refused_total Terminals that could not be opened because the namespace, or the kernel, has no room for more (ENOSPC).
# TYPE ptsns_terminals_refused_total counter
ptsns_terminals_refused_total{namespace="vs1"} 2
ptsns_terminals_refused_total{namespace="vs2"} 0
# HELP ptsns_viewer_dropped_bytes_total Bytes of output that viewers missed because they did not read in time.
# TYPE ptsns_viewer_dropped_bytes_total counter
ptsns_viewer_dropped_bytes_total{namespace="vs1"} 3
ptsns_viewer_dropped_bytes_total{namespace="vs2"} 0
# HELP ptsns_viewers Viewers of the namespace's terminals now, by the door through which they came.
# TYPE ptsns_viewers gauge
ptsns_viewers{door="api",namespace="vs1"} 0
ptsns_viewers{door="api",namespace="vs2"} 0
ptsns_viewers{door="local",namespace="vs1"} 2
ptsns_viewers{door="local",namespace="vs2"} 0
ptsns_viewers{door="other",namespace="vs1"} 1
ptsns_viewers{door="other",namespace="vs2"} 0
ptsns_viewers{door="ssh",namespace="vs1"} 2
ptsns_viewers{door="ssh",namespace="vs2"} 0
ptsns_viewers{door="web",namespace="vs1"} 1
ptsns_viewers{door="web",namespace="vs2"} 0
`

func TestText(t *testing.T) {
	status, got := get(Handler(listerFunc(some)))
	if status != http.StatusOK {
		t.Errorf("status %d", status)
	}
	if diff := cmp.Diff(someText, got); diff != "" {
		t.Errorf("(-want +got):\n%s", diff)
	}
}

// Prometheus's own rules for names and help.
func TestConventions(t *testing.T) {
	problems, err := testutil.CollectAndLint(NewCollector(listerFunc(some)))
	if err != nil || len(problems) > 0 {
		t.Errorf("%+v, %v", problems, err)
	}
}

func TestNoNamespaces(t *testing.T) {
	status, got := get(Handler(listerFunc(func(context.Context) ([]parent.Listed, error) { return nil, nil })))
	if status != http.StatusOK || got != "" {
		t.Errorf("%d %q", status, got)
	}
}

func TestListFails(t *testing.T) {
	status, got := get(Handler(listerFunc(func(context.Context) ([]parent.Listed, error) { return nil, errors.New("no such directory") })))
	if status != http.StatusInternalServerError || !strings.Contains(got, "no such directory") {
		t.Errorf("%d %q", status, got)
	}
}

// A server that does not answer costs a scrape askTime, and one that holds up even the
// list costs it scrapeTime: however many scrapes there are, it is asked once.
func TestSlow(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		handler := Handler(listerFunc(func(ctx context.Context) ([]parent.Listed, error) {
			<-ctx.Done() // as parent.List does for the servers that answer late
			return some(ctx)
		}))
		start := time.Now()
		if status, got := get(handler); status != http.StatusOK || got != someText || time.Since(start) != askTime {
			t.Errorf("after %v: %d %q", time.Since(start), status, got)
		}
	})
	synctest.Test(t, func(t *testing.T) {
		stuck, asked := make(chan struct{}), atomic.Int32{}
		handler := Handler(listerFunc(func(ctx context.Context) ([]parent.Listed, error) {
			asked.Add(1)
			<-stuck
			return some(ctx)
		}))
		type answer struct {
			status int
			text   string
		}
		answers := make(chan answer)
		for range 3 {
			go func() {
				status, text := get(handler)
				answers <- answer{status, text}
			}()
		}
		start := time.Now()
		for range 3 {
			if a := <-answers; a.status != http.StatusInternalServerError || !strings.Contains(a.text, errSlow.Error()) {
				t.Errorf("got %+v", a)
			}
		}
		if time.Since(start) != scrapeTime || asked.Load() != 1 {
			t.Errorf("asked %d times in %v", asked.Load(), time.Since(start))
		}
		close(stuck)
		synctest.Wait()
		if status, got := get(handler); status != http.StatusOK || got != someText || asked.Load() != 2 {
			t.Errorf("afterwards: %d %q", status, got)
		}
	})
}

// get asks a handler once.
func get(h http.Handler) (status int, body string) {
	w := httptest.NewRecorder()
	h.ServeHTTP(w, httptest.NewRequest(http.MethodGet, "/metrics", nil))
	text, err := io.ReadAll(w.Result().Body)
	if err != nil {
		return 0, err.Error()
	}
	return w.Code, string(text)
}
