// Package memory shares limits.memory out among the peers of a media server, so that one
// sender cannot stop the others, and senders cannot stop deliveries.
//
//	limits.memory
//	  3/4  Pool.All: what is held for peers
//	         3/4  Pool.Stores: store sessions and connections
//	         1/8  one sender: its sessions, and replies for it
//	         1/16 one session
//	         1/8  Pool.Bodies: parts of messages that deliveries have read
//	  1/8  the store's index
//	  1/8  the runtime, and pages of the store's file
//
// Without a limit all budgets are nil, and a nil budget gives everything.
package memory
