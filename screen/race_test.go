//go:build race

package screen

// tries is how many of n random tries are made: there is nothing here that could race.
func tries(n int) int { return n / 10 }
