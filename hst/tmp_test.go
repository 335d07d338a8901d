package hst

func cases() int { return 12000 }
