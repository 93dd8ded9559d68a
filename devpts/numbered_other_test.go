//go:build !linux

package devpts

import "github.com/ptsns/ptsns/pts"

func numbered(e pts.Errno) error { return e }
