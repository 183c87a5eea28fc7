"""Operations by what they are about: a router a module, with the schemas of its requests and answers."""
