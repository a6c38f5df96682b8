// Package simnet is an IP network in memory, for tests. Its hosts have TCP and UDP
// sockets that can be cut, reset, stalled, slowed down and half-closed, and can be killed
// as a process is. Nothing of it blocks in the operating system, and all waits and
// deadlines are by package time, so that several servers run in one bubble of
// testing/synctest, in virtual time.
package simnet
