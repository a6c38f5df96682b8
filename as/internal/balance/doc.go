// Package balance chooses the media server of each store session, by weighted least
// connections: S = min Count(Si)/Weight(Si), equation (1) in section 2.3.3 of the paper.
//
// A [Balancer] counts the live store sessions of each [Server]. [Balancer.Reserve] chooses
// one and counts the session at once, so that calls that arrive together do not all choose
// the same one. The servers and their weights can be replaced at any time. The tests
// compare equation (1) with other policies.
package balance
