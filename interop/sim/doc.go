// Package sim has a test that runs a whole cluster in one process and in virtual time:
// the application server, two media servers with their stores, and user agents, over a
// network in memory. A seed selects random events and their order: calls that are
// cancelled, cut or ended in the middle, incomplete messages, devices that refuse, slow
// or failing disks, servers that are killed or restored from an older copy, lost
// notifications, operators' commands.
//
// When all faults have ended, every confirmed message must have been delivered, and no
// refused one. The number of calls without a message must be bounded, and all counts must
// be zero. The user agents have their own SIP and MSRP, which share no code with the
// servers.
//
//	go test ./interop/sim -run TestSim -sim=30m      # test for longer
//	go test ./interop/sim -run TestSim -sim.seed 7   # repeat one run, with its log
//	go test ./interop/sim -run TestMutants -sim.mutants=2m
//
// A failed run is reported with its seed and the fewest events that make it fail. The
// seed does not determine the order in which goroutines run within an instant. So a rare
// fault may need several runs of one seed: -sim.times.
package sim
