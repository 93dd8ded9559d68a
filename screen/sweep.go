package screen

// cellsInUse calls f for every cell that may name an entry of the store.
func (s *Screen) cellsInUse(f func(*cell)) {
	f(&s.pen)
	for _, g := range []*grid{&s.main, &s.alt} {
		f(&g.saved.pen)
		for y := range g.rows {
			r := &g.rows[y]
			for x := range r.cells[:r.used] {
				f(&r.cells[x])
			}
		}
	}
}

// makeRoom sweeps when a table is full, unless it has just found that most of a table is in
// use: then what finds no room is dropped for a while, since a sweep looks at every cell.
func (s *Screen) makeRoom() {
	t := &s.store
	if t.wait > 0 {
		t.wait--
		t.clusterLimit = min(2*t.clusterLimit, maxClusters)
		t.extraLimit = min(2*t.extraLimit, maxExtras)
		return
	}
	s.sweep()
	if len(t.clusters) > maxClusters/2 || len(t.extras) > maxExtras/2 || len(t.links) > maxExtras/2 || t.linkBytes > maxLinkBytes/2 {
		t.wait = s.rows * s.cols / 16
	}
}

// sweep drops the entries of the store that no cell names and gives the others new
// indices. It costs a look at each cell; the limits double with what is live, so that it
// is paid for by the entries made since.
func (s *Screen) sweep() {
	t := &s.store
	moved := t.scratch(len(t.clusters))
	n := uint32(0)
	s.cellsInUse(func(c *cell) {
		if c.text&clusterBit != 0 {
			moved[c.text&^clusterBit] = 1
		}
	})
	for i, live := range moved {
		if live != 0 {
			t.clusters[n] = t.clusters[i]
			moved[i] = n
			n++
		}
	}
	t.clusters = t.clusters[:n]
	s.cellsInUse(func(c *cell) {
		if c.text&clusterBit != 0 {
			c.text = clusterBit | moved[c.text&^clusterBit]
		}
	})
	t.clusterLimit = s.limitOf(int(n), maxClusters)
	s.sweepExtras()
}

func (s *Screen) sweepExtras() {
	t := &s.store
	moved := t.scratch(len(t.extras))
	s.cellsInUse(func(c *cell) { moved[c.extra] = 1 })
	moved[0] = 0
	n := uint32(1)
	for i, live := range moved {
		if live != 0 {
			t.extras[n] = t.extras[i]
			moved[i] = n
			n++
		}
	}
	t.extras = t.extras[:n]
	s.cellsInUse(func(c *cell) { c.extra = uint16(moved[c.extra]) })
	t.extraLimit = s.limitOf(int(n), maxExtras)

	moved = t.scratch(len(t.links))
	for _, e := range t.extras {
		moved[e.link] = 1
	}
	moved[0] = 0
	n, t.linkBytes = 1, 0
	for i, live := range moved {
		if live != 0 {
			t.links[n] = t.links[i]
			t.linkBytes += t.links[n].size()
			moved[i] = n
			n++
		}
	}
	clear(t.links[n:])
	t.links = t.links[:n]
	for i := range t.extras {
		t.extras[i].link = int32(moved[t.extras[i].link])
	}
}

// scratch is n zeros.
func (t *store) scratch(n int) []uint32 {
	if cap(t.remap) < n {
		t.remap = make([]uint32, n, 2*n)
	}
	t.remap = t.remap[:n]
	clear(t.remap)
	return t.remap
}

func (s *Screen) limitOf(live, most int) int {
	return min(max(64, s.rows*s.cols/64, 2*live), most)
}

func (l link) size() int { return len(l.id) + len(l.uri) }

// withExtra returns the index of an extra that is equal to e, made when there is none
// among the last few, or 0 when there is no room.
func (s *Screen) withExtra(e extra) uint16 {
	if e == (extra{}) {
		return 0
	}
	t := &s.store
	for i := len(t.extras) - 1; i > 0 && i >= len(t.extras)-8; i-- {
		if t.extras[i] == e {
			return uint16(i)
		}
	}
	if len(t.extras) >= t.extraLimit {
		l := t.links[e.link]
		s.makeRoom()
		if len(t.extras) >= maxExtras {
			return 0
		}
		if e.link != 0 { // it may be gone, when only the caller names it
			e.link = s.findLink([]byte(l.id), []byte(l.uri))
		}
	}
	t.extras = append(t.extras, e)
	return uint16(len(t.extras) - 1)
}

// findLink returns the index of a hyperlink, made when there is none among the last few, or
// 0 when there is no room.
func (s *Screen) findLink(id, uri []byte) int32 {
	t := &s.store
	for i := len(t.links) - 1; i > 0 && i >= len(t.links)-64; i-- {
		if l := &t.links[i]; l.uri == string(uri) && l.id == string(id) {
			return int32(i)
		}
	}
	return s.addLink(link{string(id), string(uri)})
}

func (s *Screen) addLink(l link) int32 {
	t := &s.store
	if t.linkBytes+l.size() > maxLinkBytes || len(t.links) >= maxExtras {
		s.makeRoom()
		if t.linkBytes+l.size() > maxLinkBytes || len(t.links) >= maxExtras {
			return 0
		}
	}
	t.links = append(t.links, l)
	t.linkBytes += l.size()
	return int32(len(t.links) - 1)
}
