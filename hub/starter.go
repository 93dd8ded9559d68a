package hub

import "github.com/ptsns/ptsns/pts"

// TapStarter is Tap for an end that is a pts.Starter; what takes its place for whoever
// reads and writes it is one, too.
func (h *Hub) TapStarter(end pts.Starter, index int, opener Opener) (*Terminal, pts.Starter) {
	t := h.Tap(end, index, opener)
	return t, starter{t, end}
}

// starter is a tapped terminal whose opener's reads and writes wait by themselves.
type starter struct {
	*Terminal
	end pts.Starter
}

func (s starter) StartRead(c pts.Caller, p []byte, done func(n int, err error)) pts.Pending {
	return s.end.StartRead(c, p, func(n int, err error) {
		s.noteRead(p[:max(n, 0)])
		done(n, err)
	})
}

func (s starter) StartWrite(c pts.Caller, p []byte, done func(n int, err error)) pts.Pending {
	note := s.beginWrite()
	return s.end.StartWrite(c, p, func(n int, err error) {
		s.noteWrite(p[:max(n, 0)], note)
		done(n, err)
	})
}
