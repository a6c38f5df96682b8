package msrp

import (
	"context"
	"errors"
	"fmt"
	"net"
	"net/netip"
)

// ErrAnchored means that the c= and m= lines of an offer without msrp-cema have another
// address than the path: a middlebox changed the description and does not handle MSRP.
// Refuse the offer with Reject or with 488. See RFC 6714, section 4.3.
var ErrAnchored = errors.New("msrp: the c= and m= lines are not those of the path, and there is no msrp-cema")

// ErrOfferAgain means that a new offer without msrp-cema is needed. See RFC 6714,
// section 4.2.
var ErrOfferAgain = errors.New("msrp: the answer has no msrp-cema; a new offer without it is needed")

// fitCEMA decides whether an answer to o may have msrp-cema. If not, its c=
// and m= lines are our own again. Names are not looked up for it: one that may
// stand for an address is assumed to do so; see MatchesPath.
func (m *Media) fitCEMA(o *Media) error {
	if !o.CEMA && !o.mayMatchPath() {
		return ErrAnchored // [RFC6714-4.3-1]
	}
	ours, theirs := len(m.Path) > 1, len(o.Path) > 1
	switch {
	case ours && theirs,
		theirs && (o.Setup == SetupActive || o.Setup == SetupNone),
		ours && o.Setup == SetupPassive:
		m.CEMA = false // [RFC6714-4.3-2]
	case ours && m.Setup == SetupNone:
		m.Setup = SetupPassive // [RFC6714-4.3-5]
	case ours && m.Setup != SetupPassive:
		return errors.New("msrp: Media.Setup is not passive in an answer with msrp-cema behind a relay")
	}
	if len(m.Path) > 0 {
		own := m.Path[len(m.Path)-1]
		if m.CEMA {
			own = m.Path[0]
		}
		m.Host, m.Port = own.Host, own.Port
	}
	return nil
}

// mayMatchPath reports whether the address of the c= and m= lines is, as far as
// can be said without looking names up, that of a URI of the path.
func (m *Media) mayMatchPath() bool {
	if m.Host == "" || len(m.Path) == 0 {
		return true // it says nothing
	}
	for _, u := range m.Path {
		if portOf(u) == m.Port && (sameHost(u.Host, m.Host) || !isAddress(u.Host) || !isAddress(m.Host)) {
			return true
		}
	}
	return false
}

// MatchesPath reports whether the address of the c= and m= lines is that of one of the
// URIs of the path. If not, there is a middlebox between the endpoints. Names are looked
// up with r; nil means net.DefaultResolver. See RFC 6714, section 4.4 [RFC6714-4.4-1].
func (m *Media) MatchesPath(ctx context.Context, r *net.Resolver) (bool, error) {
	if r == nil {
		r = net.DefaultResolver
	}
	var own []netip.Addr
	for _, u := range m.Path {
		switch {
		case portOf(u) != m.Port:
			continue
		case sameHost(u.Host, m.Host):
			return true, nil
		}
		if own == nil {
			var err error
			if own, err = addressesOf(ctx, r, m.Host); err != nil {
				return false, err
			}
		}
		theirs, err := addressesOf(ctx, r, u.Host)
		if err != nil {
			return false, err
		}
		for _, a := range own {
			for _, b := range theirs {
				if a == b {
					return true, nil
				}
			}
		}
	}
	return false, nil
}

func addressesOf(ctx context.Context, r *net.Resolver, host string) ([]netip.Addr, error) {
	if a, err := netip.ParseAddr(host); err == nil {
		return []netip.Addr{a.Unmap()}, nil
	}
	all, err := r.LookupNetIP(ctx, "ip", host)
	if err != nil {
		return nil, fmt.Errorf("msrp: %w", err)
	}
	for i := range all {
		all[i] = all[i].Unmap()
	}
	return all, nil
}

func isAddress(host string) bool {
	_, err := netip.ParseAddr(host)
	return err == nil
}

func portOf(u URI) int {
	if u.Port == 0 {
		return DefaultPort
	}
	return u.Port
}

// ConnectTo returns the "host:port" for SessionConfig.ConnectTo of the offerer of m, if
// it connects, after the answer: the address of the answer's c= and m= lines if CEMA is
// in use, and "" if the path is valid. matches is the result of MatchesPath for the
// answer. The error is ErrOfferAgain if neither address can be used; this is possible
// also if the peer connects. See RFC 6714, section 4.2.
func (m *Media) ConnectTo(answer *Media, matches bool) (string, error) {
	if !m.CEMA {
		return "", nil
	}
	ours, theirs := len(m.Path) > 1, len(answer.Path) > 1
	passive := answer.Setup == SetupActive
	if !answer.CEMA && !matches && (passive || ours || theirs) {
		return "", ErrOfferAgain // [RFC6714-4.2-4]
	}
	if passive || (ours || theirs) && matches { // [RFC6714-4.2-5]
		return "", nil
	}
	return net.JoinHostPort(answer.Host, fmt.Sprint(answer.Port)), nil // [RFC6714-4.2-6]
}
