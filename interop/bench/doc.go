// Package bench measures the servers as their users run them: mscp-as and mscp-ms as
// processes of their own, with their default settings, behind a client that costs as
// little as it can (see package load).
//
// A [Run] puts each of several versions through the same scenarios, in turns, so that a
// noisy machine is noisy for all. Of the rounds of a scenario the one with the median rate
// counts. What it tells of a scenario:
//
//   - rate: messages or calls per second, each with its 200, which for a message means
//     that it is on disk;
//   - p50, p99: how long one took, for the client;
//   - processor time that the AS, the MS and the client took for one, in their own code and
//     the system's, from /proc (Linux; 0 elsewhere);
//   - memory: heap and stacks of the servers after a collection.
//
// Figures of one run may be compared with each other. Those of two runs may not, unless
// nothing else ran on the machine.
package bench
