// Package digestauth computes and checks digest credentials. See RFC 7616 and RFC 8760.
//
// github.com/icholy/digest computes the responses and writes the headers. The headers of
// others are read here, because that package rejects or misreads headers that SIP allows
// or that devices send: names in upper case, HTABs, blanks around "=", empty list elements,
// parameters without a value, names with an underscore, "/" and "+" in values without
// quotes, blanks and upper case in the list of qop, an empty qop, and two challenges in
// one row.
package digestauth
