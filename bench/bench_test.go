//go:build linux

package bench

import (
	"encoding/json"
	"errors"
	"fmt"
	"io/fs"
	"math"
	"os"
	"slices"
	"strings"
	"testing"
	"time"

	"github.com/google/go-cmp/cmp"
)

const peerEnv = "PTSNS_TEST_PEER"

func TestMain(m *testing.M) {
	if os.Getenv(peerEnv) == "1" {
		if err := Serve(os.Args[1:]); err != nil {
			fmt.Fprintln(os.Stderr, err)
			os.Exit(1)
		}
		return
	}
	os.Exit(m.Run())
}

// actAsPeer makes this binary a peer when it is started.
func actAsPeer(t *testing.T) {
	t.Setenv(peerEnv, "1")
	t.Setenv("GORACE", "atexit_sleep_ms=0") // or each peer lasts a second longer
}

// other is the same instance under another name, with a server behind it.
type other struct{ *Instance }

func (other) Name() string   { return "other" }
func (other) serverPID() int { return os.Getpid() }

// kernel is an instance to measure.
func kernel(t *testing.T) *Instance {
	t.Helper()
	i, err := Kernel()
	if errors.Is(err, fs.ErrPermission) {
		i, err = System(kernelName, 0)
	}
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() { _ = i.Close() })
	return i
}

// The kernel against itself: everything is measured and comes out about the same.
// How much that is no machine promises, nor how much better virtual pairs are.
func TestKernelAgainstItself(t *testing.T) {
	actAsPeer(t)
	k := kernel(t)
	o := Options{Rounds: 3, Time: 20 * time.Millisecond, Peer: []string{"/proc/self/exe"}}
	before := openFiles(t)
	var r Report
	var order []string
	err := Measure([]Contender{k, other{k}, Virtual{}}, o, func(s Sample) error {
		r.Add(s)
		if s.Figure == "raw_mbps" {
			order = append(order, s.Contender)
		}
		return nil
	})
	if err != nil {
		t.Fatal(err)
	}
	if after := openFiles(t); after > before {
		t.Errorf("%d files are open, %d were", after, before)
	}
	if diff := cmp.Diff(order, strings.Fields("kernel other virtual virtual other kernel kernel other virtual")); diff != "" {
		t.Errorf("order (-got +want):\n%s", diff)
	}
	for _, name := range Figures() {
		for _, c := range []string{kernelName, "other", "virtual"} {
			if value, ok := r.Figure(c, name); !ok || value <= 0 {
				t.Errorf("%s of %s = %v, %v", name, c, value, ok)
			}
		}
		// Memory has the test binary's own growth on one side.
		if ratio, ok := r.Ratio("other", name); !ok || name != "idle_pair_bytes" && (ratio < 0.1 || ratio > 10) {
			t.Errorf("ratio of %s = %v, %v", name, ratio, ok)
		}
	}
	if err := r.WriteTable(t.Output()); err != nil {
		t.Error(err)
	}
}

func openFiles(t *testing.T) int {
	t.Helper()
	fds, err := os.ReadDir("/proc/self/fd")
	if err != nil {
		t.Fatal(err)
	}
	return len(slices.DeleteFunc(fds, func(e os.DirEntry) bool {
		to, err := os.Readlink("/proc/self/fd/" + e.Name())
		return err != nil || strings.HasPrefix(to, "anon_inode:") // Go's poller and pidfds that wait for the collector
	}))
}

func TestOnly(t *testing.T) {
	var got []string
	o := Options{Rounds: 2, Time: time.Millisecond, Only: []string{"open_close_per_s"}}
	k := kernel(t)
	err := Measure([]Contender{k}, o, func(s Sample) error { got = append(got, s.Figure); return nil })
	if diff := cmp.Diff(got, []string{"open_close_per_s", "open_close_per_s"}); err != nil || diff != "" {
		t.Errorf("%v (-got +want):\n%s", err, diff)
	}
	if o.Total(1) != len(got) {
		t.Errorf("Total = %d, want %d", o.Total(1), len(got))
	}
	if err := CheckFigures([]string{"raw_mbps", "speed"}); err == nil || !strings.Contains(err.Error(), `"speed"`) {
		t.Errorf("CheckFigures = %v", err)
	}
	enough := errors.New("enough")
	if err := Measure([]Contender{k}, o, func(Sample) error { return enough }); err != enough {
		t.Errorf("Measure = %v, want the error of who takes the samples", err)
	}
}

// A peer that cannot do its work makes an error with its words, not a figure.
func TestPeerFails(t *testing.T) {
	actAsPeer(t)
	k := kernel(t)
	for name, tt := range map[string]struct {
		peer []string
		want string
	}{
		"not there": {[]string{"/nonexistent"}, "no such file"},
		"none":      {nil, "no command"},
		"fails":     {[]string{"/proc/self/exe", "one argument too many"}, "want a job"},
	} {
		for _, only := range []string{"raw_mbps", "canon_echo_mbps"} {
			o := Options{Rounds: 1, Time: time.Millisecond, Only: []string{only}, Peer: tt.peer}
			err := Measure([]Contender{k}, o, func(Sample) error { return nil })
			if err == nil || !strings.Contains(err.Error(), tt.want) || !strings.Contains(err.Error(), only) {
				t.Errorf("%s, %s: %v, want %q", name, only, err, tt.want)
			}
		}
	}
}

func TestServeRefuses(t *testing.T) {
	for _, args := range [][]string{nil, {"read-lines"}, {"sing", "1s", "1s"}, {"read-lines", "soon", "1s"}, {"read-lines", "1s", "soon"}} {
		if err := Serve(args); err == nil {
			t.Errorf("Serve(%q) went well", args)
		}
	}
}

func TestReport(t *testing.T) {
	r := Report{Note: "a note"}
	add := func(c, f string, values ...float64) {
		for _, v := range values {
			r.Add(Sample{c, f, v})
		}
	}
	add("tap", "raw_mbps", 80, 70, 1)
	add(kernelName, "raw_mbps", 100, 90, 110, 1000)
	add(kernelName, "echo_rtt_us", 10)
	add("tap", "echo_rtt_us", 20)
	add(kernelName, "canon_mbps", 0)
	add("tap", "canon_mbps", 5)
	data, err := json.Marshal(&r)
	if err != nil {
		t.Fatal(err)
	}
	var got map[string]any
	if err := json.Unmarshal(data, &got); err != nil {
		t.Fatal(err)
	}
	want := map[string]any{
		"kernel": map[string]any{"raw_mbps": 105.0, "echo_rtt_us": 10.0, "canon_mbps": 0.0},
		"tap":    map[string]any{"raw_mbps": 70.0, "echo_rtt_us": 20.0, "canon_mbps": 5.0},
		"ratio":  map[string]any{"tap": map[string]any{"raw_mbps": 0.667, "echo_rtt_us": 0.5}},
		"spread": map[string]any{
			"kernel": map[string]any{"raw_mbps": 1.119, "echo_rtt_us": 0.0, "canon_mbps": 0.0},
			"tap":    map[string]any{"raw_mbps": 0.282, "echo_rtt_us": 0.0, "canon_mbps": 0.0},
		},
		"note": "a note",
	}
	if diff := cmp.Diff(got, want); diff != "" {
		t.Errorf("JSON (-got +want):\n%s", diff)
	}
	var table strings.Builder
	if err := r.WriteTable(&table); err != nil {
		t.Fatal(err)
	}
	const text = `
               unit  kernel    +-   tap   +-  ratio
     raw_mbps  MB/s     105  112%  70.0  28%   0.67
   canon_mbps  MB/s    0.00    0%  5.00   0%      -
  echo_rtt_us    us    10.0    0%  20.0   0%   0.50
a note
`
	if diff := cmp.Diff("\n"+table.String(), text); diff != "" {
		t.Errorf("table (-got +want):\n%s", diff)
	}
}

func TestQuantile(t *testing.T) {
	for _, tt := range []struct {
		values []float64
		q      float64
		want   float64
	}{
		{nil, 0.5, 0}, {[]float64{7}, 0.75, 7}, {[]float64{1, 2}, 0.5, 1.5}, {[]float64{1, 2, 3}, 0.5, 2},
		{[]float64{0, 1, 2, 3, 4}, 0.25, 1}, {[]float64{0, 10}, 0.75, 7.5},
	} {
		if got := quantile(tt.values, tt.q); math.Abs(got-tt.want) > 1e-9 {
			t.Errorf("quantile(%v, %v) = %v, want %v", tt.values, tt.q, got, tt.want)
		}
	}
}
