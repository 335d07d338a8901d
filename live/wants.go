package live

// wants are the actions that rules want at one tick. A hundred rules on a hundred
// services want ten thousand, of half a kilobyte, so they stay where they were made.
type wants struct {
	blocks []*[wantsBlock]Action
	n      int
}

const wantsBlock = 64

func (w *wants) at(i int) *Action { return &w.blocks[i/wantsBlock][i%wantsBlock] }

// next is an empty action, wanted if keep is called before next is again.
func (w *wants) next() *Action {
	if w.n == len(w.blocks)*wantsBlock {
		w.blocks = append(w.blocks, new([wantsBlock]Action))
	}
	return w.at(w.n)
}

func (w *wants) keep() { w.n++ }

// all visits them in the order in which they were made.
func (w *wants) all(yield func(*Action) bool) {
	for i := range w.n {
		if !yield(w.at(i)) {
			return
		}
	}
}

// reset forgets them, and all that they point to.
func (w *wants) reset() {
	for i := range w.n {
		*w.at(i) = Action{}
	}
	w.n = 0
}
