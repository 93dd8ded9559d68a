//go:build race

package e2e

// buildFlags make the ptsns under test as the tests themselves are.
var buildFlags = []string{"-race"}
