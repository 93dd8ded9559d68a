package pty

import (
	"io/fs"
	"os"
	"testing"
	"testing/synctest"
	"time"

	"github.com/ptsns/ptsns/pts"
)

// Those that wait are served in the order in which they came, also around one that gives up,
// whose end is closed, or that may not wait.
func TestTurns(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		m, first := Open()
		defer m.Close()
		var ends []*PTS
		var reads []<-chan result
		for i := range 6 {
			s := first
			if i > 0 {
				var err error
				if s, err = m.OpenPTS(nil, O_RDWR); err != nil {
					t.Fatal(err)
				}
			}
			ends = append(ends, s)
			reads = append(reads, reading(s, 10))
			synctest.Wait()
		}
		_ = ends[1].SetReadDeadline(time.Now())
		wantResult(t, "gave up", reads[1], "", os.ErrDeadlineExceeded, 0)
		_ = ends[3].Close()
		wantResult(t, "closed", reads[3], "", fs.ErrClosed, 0)
		wantReads(t, "may not wait", ends[1].End(nil), 10, "EAGAIN")

		send(t, m, "0\n")
		wantResult(t, "first", reads[0], "0\n", nil, 0)
		send(t, m, "2\n")
		wantResult(t, "third", reads[2], "2\n", nil, 0)
		send(t, m, "4\n5\n")
		wantResult(t, "fifth", reads[4], "4\n", nil, 0)
		wantResult(t, "sixth", reads[5], "5\n", nil, 0)
		wantReads(t, "nobody waits", ends[1].End(nil), 10, "EAGAIN")

		last := reading(first, 10)
		synctest.Wait()
		next := reading(ends[2], 10)
		synctest.Wait()
		_ = first.Close()
		wantResult(t, "closed while it had the turn", last, "", fs.ErrClosed, 0)
		send(t, m, "6\n")
		wantResult(t, "the next", next, "6\n", nil, 0)
		if n := len(m.p.turns[0].waiting); n != 0 || m.p.s.reading {
			t.Errorf("%d still wait", n)
		}
		wantIoctl(t, m.End(nil), pts.FIONREAD, 0, nil)
	})
}
