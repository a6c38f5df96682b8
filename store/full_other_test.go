//go:build !unix

package store

const fullChild = "GOMSCP_STORE_FULL_CHILD"

func fullWrite(string) {}
