// Package digestauth computes and checks digest credentials. See RFC 7616 and RFC 8760.
//
// github.com/icholy/digest computes the responses and writes the headers. The headers of
// others are read here, because that package rejects headers that SIP allows or that
// devices send: parameter names in upper case, empty list elements, parameters without a
// value, names with an underscore, blanks in the list of qop, escapes such as "\f" that
// are none in Go, and two challenges in one row.
package digestauth
