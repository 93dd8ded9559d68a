package main

import (
	"fmt"
	"math"
	"os"
	"path/filepath"
	"strconv"
	"strings"
)

// parseBytes reads a number of bytes: digits, and perhaps K, M or G for the powers of 1024.
func parseBytes(s string) (int, error) {
	digits, shift := s, 0
	if i := strings.IndexAny(s, "KMGkmg"); i >= 0 && i == len(s)-1 {
		digits, shift = s[:i], 10*(1+strings.IndexByte("KMG", s[i]&^0x20))
	}
	n, err := strconv.ParseUint(digits, 10, 31)
	if err != nil || n > math.MaxInt32>>shift {
		return 0, fmt.Errorf("%q: want a number of bytes below 2G, such as 64K or 1M", s)
	}
	return int(n) << shift, nil
}

// parseHistory is parseBytes for what server.Config has as History, where 0 is the default.
func parseHistory(s string) (int, error) {
	n, err := parseBytes(s)
	if n == 0 {
		n = -1
	}
	return n, err
}

// recordDir is the directory for recordings, which is made if it is not there.
func recordDir(path string) (string, error) {
	dir, err := filepath.Abs(path)
	if err != nil {
		return "", err
	}
	return dir, os.MkdirAll(dir, 0o700)
}
