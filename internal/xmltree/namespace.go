package xmltree

import "strings"

// A scope is one namespace declaration, linked to those around it.
type scope struct {
	parent      *scope
	prefix, uri string
	size        int
}

// Namespace is the namespace of the prefix xml.
const Namespace = "http://www.w3.org/XML/1998/namespace"

// declarations is the namespace of the prefix xmlns, which no document declares.
const declarations = "http://www.w3.org/2000/xmlns/"

func (s *scope) lookup(prefix string) (string, bool) {
	for ; s != nil; s = s.parent {
		if s.prefix == prefix {
			return s.uri, s.uri != "" || prefix == ""
		}
	}
	if prefix == "xml" {
		return Namespace, true
	}
	return "", prefix == ""
}

// qualified parts a name at its colon. See Namespaces in XML 1.0, production 7.
func (t *treeReader) qualified(name string) (prefix, local string, err error) {
	i := strings.IndexByte(name, ':')
	if i < 0 {
		return "", name, nil
	}
	prefix, local = name[:i], name[i+1:]
	if prefix == "" || local == "" || strings.Contains(local, ":") || strings.ContainsRune("-.0123456789", rune(local[0])) {
		return "", "", t.fail("%q is no qualified name", shorten(name))
	}
	return prefix, local, nil
}

// namespace is what the prefix stands for in n.
func (t *treeReader) namespace(n *Node, prefix string) (string, error) {
	space, ok := n.own.lookup(prefix)
	switch {
	case ok && prefix != "xmlns":
		return space, nil
	case t.lenient && prefix != "xmlns":
		return undeclared(prefix), nil
	}
	return "", t.fail("prefix %q is not declared", shorten(prefix))
}

// declare takes the namespace declarations of a start tag.
func (t *treeReader) declare(n *Node) error {
	n.own = n.scope
	for _, a := range t.attrs {
		prefix := a.local
		if a.prefix == "" && prefix == "xmlns" {
			prefix = ""
		} else if a.prefix != "xmlns" {
			continue
		}
		for s := n.own; s != n.scope; s = s.parent {
			if s.prefix == prefix {
				return t.fail("attribute xmlns:%s twice", shorten(prefix))
			}
		}
		if prefix == "xmlns" || (prefix == "xml") != (a.value == Namespace) || a.value == declarations || prefix != "" && a.value == "" {
			return t.fail("prefix %q cannot be declared so", shorten(prefix))
		}
		size := 1
		if n.own != nil {
			size += n.own.size
		}
		if size > t.limits.Namespaces {
			return t.fail("more than %d namespace declarations in scope", t.limits.Namespaces)
		}
		n.own = &scope{n.own, prefix, a.value, size}
	}
	return nil
}

// attributes gives n those that declare no namespace. See Namespaces in XML
// 1.0, section 6.3, for when two are the same.
func (t *treeReader) attributes(n *Node) error {
	if len(t.attrs) > 0 {
		n.Attrs = make([]Attr, 0, len(t.attrs))
	}
	for _, a := range t.attrs {
		if a.prefix == "xmlns" || a.prefix == "" && a.local == "xmlns" {
			continue
		}
		out := Attr{Local: a.local, Value: a.value}
		if a.prefix != "" { // the default namespace is not for attributes
			var err error
			if out.Space, err = t.namespace(n, a.prefix); err != nil {
				return err
			}
		}
		for _, before := range n.Attrs { // at most limits.Attrs
			if before.Local == out.Local && before.Space == out.Space {
				return t.fail("attribute %s twice", shorten(out.Local))
			}
		}
		n.Attrs = append(n.Attrs, out)
	}
	return nil
}
