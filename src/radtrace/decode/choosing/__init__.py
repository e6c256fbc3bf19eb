"""Which of several traces of one study is kept, or what is made of them."""
