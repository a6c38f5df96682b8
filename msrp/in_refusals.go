package msrp

// refusals remember refused messages until their last chunk has arrived. The oldest is
// forgotten when there are maxRefused.
type refusals struct {
	ids   []string
	codes map[string]*StatusError
}

func (r *refusals) lookUp(id string) *StatusError { return r.codes[id] }

func (r *refusals) remember(id string, se *StatusError) {
	if r.codes == nil {
		r.codes = make(map[string]*StatusError)
	}
	if r.codes[id] == nil {
		if len(r.ids) >= maxRefused {
			delete(r.codes, r.ids[0])
			r.ids = append(r.ids[:0], r.ids[1:]...)
		}
		r.ids = append(r.ids, id)
	}
	r.codes[id] = se
}

func (r *refusals) removeID(id string) {
	if r.codes[id] == nil {
		return
	}
	delete(r.codes, id)
	for i, x := range r.ids {
		if x == id {
			r.ids = append(r.ids[:i], r.ids[i+1:]...)
			return
		}
	}
}
