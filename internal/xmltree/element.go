package xmltree

// startTag reads a start tag, or the tag of an empty element.
func (t *treeReader) startTag() error {
	off := t.pos
	t.pos++
	name, err := t.name()
	if err != nil {
		return err
	}
	t.attrs = t.attrs[:0]
	for {
		blank := t.space()
		if t.take("/>") || t.take(">") {
			break
		}
		if !blank {
			return t.malformed("the start tag of %s", shorten(name))
		}
		if err := t.attribute(); err != nil {
			return err
		}
	}
	empty := t.s[t.pos-2] == '/'
	n, err := t.open(name, off)
	switch {
	case err != nil:
		return err
	case empty:
		n.End = int64(t.pos)
	default:
		t.stack = append(t.stack, openElement{Node: n, name: name})
	}
	return nil
}

// attribute reads one attribute of a start tag.
func (t *treeReader) attribute() error {
	name, err := t.name()
	if err != nil {
		return err
	}
	t.space()
	if !t.take("=") {
		return t.malformed("the attribute %s has no value", shorten(name))
	}
	t.space()
	value, err := t.quoted()
	if err != nil {
		return err
	}
	if len(t.attrs) >= t.limits.Attrs {
		return t.fail("more than %d attributes", t.limits.Attrs)
	}
	prefix, local, err := t.qualified(name)
	t.attrs = append(t.attrs, rawAttr{prefix, t.own(local), t.own(value)})
	return err
}

func (t *treeReader) open(name string, off int) (*Node, error) {
	if t.root != nil && len(t.stack) == 0 {
		t.pos = off
		return nil, t.fail("more than one root element")
	}
	if t.elements++; t.elements > t.limits.Elements {
		return nil, t.fail("more than %d elements", t.limits.Elements)
	}
	if len(t.stack) >= t.limits.Depth {
		return nil, t.fail("elements nested deeper than %d", t.limits.Depth)
	}
	n := &Node{Offset: int64(off)}
	if len(t.stack) > 0 {
		parent := t.stack[len(t.stack)-1]
		n.scope = parent.own
		parent.Kids = append(parent.Kids, n)
	} else {
		t.root = n
	}
	if err := t.declare(n); err != nil {
		return nil, err
	}
	prefix, local, err := t.qualified(name)
	if err != nil {
		return nil, err
	}
	if n.Space, err = t.namespace(n, prefix); err != nil {
		return nil, err
	}
	n.Local = t.own(local)
	return n, t.attributes(n)
}

func (t *treeReader) endTag() error {
	t.pos += len("</")
	name, err := t.name()
	if err != nil {
		return err
	}
	t.space()
	if !t.take(">") {
		return t.malformed("the end tag of %s", shorten(name))
	}
	last := len(t.stack) - 1
	if last < 0 || t.stack[last].name != name {
		return t.malformed("the end tag of %s closes nothing", shorten(name))
	}
	n := &t.stack[last]
	n.End = int64(t.pos)
	if n.more != nil {
		n.Text = string(n.more)
	}
	t.stack = t.stack[:last]
	return nil
}
