// Package sim has a test that runs a whole cluster in one process and in virtual time: the
// application server, two media servers with their stores, and user agents, over a network
// in memory. What happens to them, and in which order, is chosen at random from a seed:
// calls that are cancelled, cut or hung up in the middle, messages that come in part,
// devices that refuse, disks that are slow or fail, servers that are killed or restored
// from an older copy, words that are lost, operators' commands.
//
// When everything works again, what was confirmed must have been delivered, and what was
// refused must not; nobody may be called for nothing more than a bounded number of times;
// and all counts must be back at zero. The user agents are made of their own SIP and MSRP
// here, which share nothing with the servers.
//
//	go test ./interop/sim -run TestSim -sim=30m      # try for longer
//	go test ./interop/sim -run TestSim -sim.seed 7   # make one run again, with its log
//	go test ./interop/sim -run TestMutants -sim.mutants=2m
//
// A run that fails is shown by its seed, and by the fewest events that make it fail. The
// order in which goroutines run within an instant is not the seed's to choose, so a rare
// fault may need several runs of one seed: -sim.times.
package sim
