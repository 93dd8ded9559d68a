package oracle

func NewVirtual() Driver { panic("soon") }
