//go:build !unix

package main

import "context"

// watchOutput has no means here: writing tells.
func watchOutput(context.Context, int, func()) {}

// terminalWidth is not known here.
func terminalWidth(int) int { return 0 }
